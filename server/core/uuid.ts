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

const DIGITS = Buffer.from('0123456789abcdef')
/** Where the two digits of each byte stand in the text. */
const PLACES = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34]
const written = Buffer.alloc(36, '-')

/** A new UUIDv7 (RFC 9562 §5.7), greater than all that this process made before. */
export function uuidv7(): string {
  const { bytes } = generator.generate()
  // `toString` of the library puts the text together digit by digit, and leaves an object for each.
  for (let at = 0; at < PLACES.length; at += 1) {
    const [place = 0, byte = 0] = [PLACES[at], bytes[at]]
    written[place] = DIGITS[byte >>> 4] ?? 0
    written[place + 1] = DIGITS[byte & 15] ?? 0
  }
  return written.toString('latin1')
}
