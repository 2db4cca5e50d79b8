import { createHmac } from 'node:crypto'
import { canonicalJson } from '../wire/canonical.ts'

export type Fingerprint = (value: unknown) => string

/** Creates a function that makes keyed fingerprints of values, which compare inputs without storing them. */
export function createFingerprint(key: Uint8Array): Fingerprint {
  return (value) => createHmac('sha256', key).update(canonicalJson(value)).digest('base64url')
}
