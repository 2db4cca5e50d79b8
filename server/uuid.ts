import { V7Generator } from 'uuidv7'

/** Random numbers are had from the system so many at a time: one at a time, they cost more than all else of an id. */
const POOL_SIZE = 1_024

const pool = new Uint32Array(POOL_SIZE)
let used = POOL_SIZE

const generator = new V7Generator({
  nextUint32() {
    if (used === POOL_SIZE) {
      crypto.getRandomValues(pool)
      used = 0
    }
    const number = pool[used] ?? 0
    used += 1
    return number
  },
})

/** A new UUIDv7 (RFC 9562 §5.7), greater than all that this process made before. */
export function uuidv7(): string {
  return generator.generate().toString()
}
