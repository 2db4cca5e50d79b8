import { UUID } from 'uuidv7'
import { uuidv7 } from '../core/uuid.ts'
import type { Fingerprint } from './fingerprint.ts'
import type { Invocation } from './invocation.ts'

/**
 * Derives the ids of a call: the same in every attempt and, with an idempotency key, in a later call that goes on with
 * it, in another process too.
 */
export class DerivedIds {
  /** The time of the call, the same in every attempt. */
  readonly now: Date
  readonly #invocation: Pick<Invocation, 'id' | 'keyScope'>
  readonly #fingerprint: Fingerprint
  readonly #recordIds: string[] = []

  constructor(invocation: Pick<Invocation, 'id' | 'keyScope'>, now: Date, fingerprint: Fingerprint) {
    this.#invocation = invocation
    this.now = now
    this.#fingerprint = fingerprint
  }

  /** Derives the nth record id of a run, a UUIDv7. */
  recordId(position: number): string {
    const known = this.#recordIds[position]
    if (known !== undefined) return known
    const id = this.#invocation.keyScope ? this.#derived(position) : uuidv7()
    this.#recordIds[position] = id
    return id
  }

  /** Derives a side effect's id: the same in every attempt and in a later call of the same key, and no other's. */
  effectIdOf(identity: string): string {
    const { keyScope, id } = this.#invocation
    const call = keyScope ? [keyScope.actor, keyScope.action, keyScope.key, this.now.getTime()] : [id]
    return this.#fingerprint([...call, identity])
  }

  #derived(position: number): string {
    const { actor, action, key } = this.#invocation.keyScope ?? {}
    const seed = [actor, action, key, this.now.getTime(), position]
    const bytes = Buffer.from(this.#fingerprint(seed), 'base64url')
    const low = bytes.readUInt32BE(0)
    const high = bytes.readUInt32BE(4) >>> 2
    return UUID.fromFieldsV7(this.now.getTime(), position % 4_096, high, low).toString()
  }
}
