// The app's: whether a webhook comes from whom it says, by the scheme of https://www.standardwebhooks.com: an HMAC over
// its id, its time and its bytes.
import { createHmac, timingSafeEqual } from 'node:crypto'

/** What is older may be a replay; what is newer comes from a wrong clock. */
const TOLERANCE_SECONDS = 300
const SHA256_BYTES = 32

/** What is verified of a request. */
export interface SignedRequest {
  readonly headers: Headers
  /** As it came: a parsed body would be another text. */
  readonly body: Uint8Array
}

/**
 * Whether one of the secrets has signed a request, not long ago. Several secrets let one take the place of another without
 * a gap.
 *
 * @param secrets base64, after `whsec_`
 */
export function isSigned({ headers, body }: SignedRequest, secrets: readonly string[], now: Date): boolean {
  const id = headers.get('webhook-id')
  const timestamp = headers.get('webhook-timestamp')
  if (id === null || timestamp === null || !/^\d{1,12}$/.test(timestamp)) return false
  if (Math.abs(now.getTime() / 1_000 - Number(timestamp)) > TOLERANCE_SECONDS) return false
  const given = signaturesOf(headers.get('webhook-signature') ?? '')
  return secrets.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
    const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
    return given.some((signature) => timingSafeEqual(signature, expected))
  })
}

/** The signatures in `v1,BASE64 v1,BASE64`; those of other versions are none. */
function signaturesOf(header: string): readonly Buffer[] {
  return header
    .split(' ')
    .filter((part) => part.startsWith('v1,'))
    .map((part) => Buffer.from(part.slice('v1,'.length), 'base64'))
    .filter(({ byteLength }) => byteLength === SHA256_BYTES)
}
