import { V7Generator } from 'uuidv7'

/** How many random numbers are drawn from the system at once: drawn a few at a time, they cost most of what an id does. */
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

/** Makes a UUIDv7 (RFC 9562 §5.7), greater than all that this process has made before. */
export function uuidv7(): string {
  return generator.generate().toString()
}
