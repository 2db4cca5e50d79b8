import { createHmac } from 'node:crypto'
import { canonicalJson } from '../wire/canonical.ts'

export type Fingerprint = (value: unknown) => string

/** Makes a keyed fingerprint of canonical values: equal inputs are told apart from others without being kept. */
export function createFingerprint(key: Uint8Array): Fingerprint {
  return (value) => createHmac('sha256', key).update(canonicalJson(value)).digest('base64url')
}
