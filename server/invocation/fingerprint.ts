import { createHmac } from 'node:crypto'
import { asSent, canonicalJson } from '../wire/to-json.ts'

export type Fingerprint = (value: unknown) => string

/** Creates a function that makes keyed fingerprints of values, which compare inputs without storing them. */
export function createFingerprint(key: Uint8Array): Fingerprint {
  return (value) => createHmac('sha256', key).update(canonicalJson(value)).digest('base64url')
}

/** Derives a key for one purpose. What fingerprints are made of is JSON, which a purpose without quotes is not. */
export function deriveKey(key: Uint8Array, purpose: string): Uint8Array {
  return createHmac('sha256', key).update(purpose).digest()
}

/** What a caller sent, before defaults and transforms. */
export interface SentInput {
  /** As it came. */
  readonly raw: unknown
  /** With dates and bigints where the schema reads them in text. */
  readonly revived: unknown
}

/** Of the form that inputs are compared in. With another form, hashes of both are kept until the last key of this one is gone. */
const FORM = 1

/** The HMAC of an input, the same whatever it came by: a date over tRPC, or its text over REST in whatever zone. */
export function hashOfInput(fingerprint: Fingerprint, { revived }: SentInput): string {
  return fingerprint(asSent(revived))
}

/**
 * What a key keeps of its input: the hashes by which the same input is known again. By what the schema reads in it, it
 * is known on every transport; by what came, it is known when the schema reads it in another way since.
 */
export function storedInput(fingerprint: Fingerprint, sent: SentInput): string {
  const hashes = [hashOfInput(fingerprint, sent)]
  if (sent.raw !== sent.revived) hashes.push(fingerprint(asSent(sent.raw)))
  return [...new Set(hashes)].map((hash) => `${FORM}:${hash}`).join(' ')
}

/** Whether two of what keys keep are of the same input. The database compares them in the same way. */
export function isSameInput(kept: string, other: string): boolean {
  const known = new Set(kept.split(' '))
  return other.split(' ').some((hash) => known.has(hash))
}
