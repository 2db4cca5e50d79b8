import { setTimeout as sleep } from 'node:timers/promises'
import { ConnectionLost, type Database } from '../db/database.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import type { Engine, Failpoint } from '../engine.ts'
import type { KeyScope } from './idempotency.ts'

/** What is known of a step of an invocation that came before, under the same key. */
export interface StoredStep {
  readonly identity: string
  readonly name: string
  /** `sent`: nobody knows what came of it. */
  readonly state: 'sent' | 'answered'
  readonly answer: string | null
}

const SENT = `insert into journal_steps (actor, action, key, identity, name, token, state)
  values ($1, $2, $3, $4, $5, $6, 'sent')`
const ANSWERED = `update journal_steps set state = 'answered', answer = $5
  where actor = $1 and action = $2 and key = $3 and identity = $4`
const FORGET = `delete from journal_steps
  where actor = $1 and action = $2 and key = $3 and identity = $4 and token = $5`

/** How long what is known of a step is kept in mind for a database that is away, before it is given up. */
const KEEP_TRYING_MS = 15_000
const TRY_INTERVAL_MS = 250

/** Keeps the journal of a keyed invocation in the database, each entry by a statement that commits by itself. */
export class StepStore {
  readonly #database: Database
  readonly #scope: readonly [string, string, string]
  readonly #token: string
  readonly #failpoint: Failpoint

  constructor({ database, failpoint }: Engine, { actor, action, key }: KeyScope, token: string) {
    this.#database = database
    this.#failpoint = failpoint
    this.#scope = [actor, action, key]
    this.#token = token
  }

  /** Notes that a step is about to leave, before it does. */
  async sent(identity: string, name: string): Promise<void> {
    try {
      await this.#write(SENT, identity, name, this.#token)
    } catch (error) {
      // It may be noted all the same, and it does not leave.
      if (error instanceof ConnectionLost) await this.forget(identity)
      throw error
    }
    await this.#failpoint('after-step-sent')
  }

  /** Notes what a step was answered, before its handler sees it. */
  async answered(identity: string, answer: string | undefined): Promise<void> {
    await this.#keepTrying(ANSWERED, identity, answer ?? null)
    await this.#failpoint('after-step-answered')
  }

  /** Forgets a step that has done nothing: the next invocation may try it again. */
  async forget(identity: string): Promise<void> {
    await this.#keepTrying(FORGET, identity, this.#token)
  }

  /** What it says is known here alone, and is true however late it is written. */
  async #keepTrying(sql: string, ...params: readonly unknown[]): Promise<void> {
    const endsAt = performance.now() + KEEP_TRYING_MS
    for (;;) {
      try {
        return await this.#write(sql, ...params)
      } catch (error) {
        if (!isUnavailable(error) || performance.now() > endsAt) throw error
      }
      await sleep(TRY_INTERVAL_MS)
    }
  }

  async #write(sql: string, ...params: readonly unknown[]): Promise<void> {
    await this.#database.write({ sql, params: [...this.#scope, ...params] })
  }
}
