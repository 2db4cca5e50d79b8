import { createHmac } from 'node:crypto'
import { UUID } from 'uuidv7'
import { uuidv7 } from '../core/uuid.ts'
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

/** A call as its ids are derived from it. */
interface IdentifiedCall {
  readonly id: string
  /** Undefined without an idempotency key. */
  readonly keyScope: { readonly actor: string; readonly action: string; readonly key: string } | undefined
}

/**
 * Derives the ids of a call: the same in every attempt and, with an idempotency key, in a later call that goes on with
 * it, in another process too.
 */
export class DerivedIds {
  /** The time of the call, the same in every attempt. */
  readonly now: Date
  readonly #call: IdentifiedCall
  readonly #fingerprint: Fingerprint
  readonly #recordIds: string[] = []

  constructor(call: IdentifiedCall, now: Date, fingerprint: Fingerprint) {
    this.#call = call
    this.now = now
    this.#fingerprint = fingerprint
  }

  /** Derives the nth record id of a run, a UUIDv7. */
  recordId(position: number): string {
    const known = this.#recordIds[position]
    if (known !== undefined) return known
    const id = this.#call.keyScope ? this.#derived(position) : uuidv7()
    this.#recordIds[position] = id
    return id
  }

  /** Derives a side effect's id: the same in every attempt and in a later call of the same key, and no other's. */
  effectIdOf(identity: string): string {
    const { keyScope, id } = this.#call
    const call = keyScope ? [keyScope.actor, keyScope.action, keyScope.key, this.now.getTime()] : [id]
    return this.#fingerprint([...call, identity])
  }

  #derived(position: number): string {
    const { actor, action, key } = this.#call.keyScope ?? {}
    const seed = [actor, action, key, this.now.getTime(), position]
    const bytes = Buffer.from(this.#fingerprint(seed), 'base64url')
    const low = bytes.readUInt32BE(0)
    const high = bytes.readUInt32BE(4) >>> 2
    return UUID.fromFieldsV7(this.now.getTime(), position % 4_096, high, low).toString()
  }
}
