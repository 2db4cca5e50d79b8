import { type Database, SqlError } from '../db/database.ts'
import type { Parameters } from '../db/parameters.ts'
import type { StoredStep } from './journal.ts'
import { isSameInput } from './sent-input.ts'

/** A key is one caller's and one action's: nobody meets another's. */
export interface KeyScope {
  readonly actor: string
  readonly action: string
  readonly key: string
}

export interface ClaimRequest extends KeyScope {
  /** The fencing token: the id of the invocation. */
  readonly token: string
  /** What the key keeps of the input. */
  readonly keptInput: string
  readonly now: Date
  /** How long the holder may be at work before another one may take over. */
  readonly leaseMs: number
}

export type Claim =
  /** `now` and `steps` are those of the invocation that came first, if it left something to go on with. */
  | { readonly kind: 'claimed'; readonly now: Date; readonly steps: readonly StoredStep[] }
  /** It has been answered before. */
  | { readonly kind: 'stored'; readonly result: string }
  | { readonly kind: 'running'; readonly retryAfterSeconds: number }
  /** The key was used with another input. */
  | { readonly kind: 'other input' }

// One statement, committed by itself. A claim whose lease is over is taken over; one that is answered is not.
const CLAIM = `
  with taken as (
    insert into deputy.idempotency_claims as claim (actor, action, key, token, input_hash, now, lease_until)
    select $1, $2, $3, $4, $5, $6, now() + $7::int * interval '1 millisecond'
    where not exists (select 1 from deputy.idempotency_results where actor = $1 and action = $2 and key = $3)
    on conflict (actor, action, key) do update set token = excluded.token, lease_until = excluded.lease_until
      where claim.lease_until <= now() and string_to_array(claim.input_hash, ' ') && string_to_array(excluded.input_hash, ' ')
    returning extract(epoch from claim.now)::text as now)
  select (select now from taken), coalesce(claim.input_hash, result.input_hash), result.result,
    (select json_agg(json_build_object('identity', identity, 'name', name, 'state', state, 'answer', answer,
      'cost', cost))::text
      from deputy.journal_steps where actor = $1 and action = $2 and key = $3)
  from (select 1) as one
  left join deputy.idempotency_claims as claim on claim.actor = $1 and claim.action = $2 and claim.key = $3
  left join deputy.idempotency_results as result on result.actor = $1 and result.action = $2 and result.key = $3`

/** How often a claim is looked for that another statement has just made: its row cannot be seen at first. */
const MAX_LOOKS = 5
const RETRY_AFTER_SECONDS = 1

/** Claims a key, or says who has it. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function claimKey(database: Database, request: ClaimRequest): Promise<Claim> {
  const { actor, action, key, token, keptInput, now, leaseMs } = request
  const params = [actor, action, key, token, keptInput, now.toISOString(), Math.ceil(leaseMs)]
  for (let look = 1; look <= MAX_LOOKS; look += 1) {
    const { rows } = await database.write({ sql: CLAIM, params })
    const [taken, kept, result, steps] = rows[0] ?? []
    if (typeof taken === 'string') {
      const now = new Date(Math.round(Number(taken) * 1_000))
      return { kind: 'claimed', now, steps: typeof steps === 'string' ? JSON.parse(steps) : [] }
    }
    if (typeof kept !== 'string') continue
    if (!isSameInput(kept, keptInput)) return { kind: 'other input' }
    if (typeof result === 'string') return { kind: 'stored', result }
    break
  }
  return { kind: 'running', retryAfterSeconds: RETRY_AFTER_SECONDS }
}

const FIND = `
  select coalesce(claim.input_hash, result.input_hash), result.result, (claim.lease_until > now())::int
  from (select 1) as one
  left join deputy.idempotency_claims as claim on claim.actor = $1 and claim.action = $2 and claim.key = $3
  left join deputy.idempotency_results as result on result.actor = $1 and result.action = $2 and result.key = $3`

/**
 * Finds what a key was answered with, without claiming it: for an input that no schema takes any more. Undefined where
 * there is nothing that belongs to this input. @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function findKey(
  database: Database,
  { actor, action, key }: KeyScope,
  keptInput: string,
): Promise<Exclude<Claim, { kind: 'claimed' | 'other input' }> | undefined> {
  const { rows } = await database.query({ sql: FIND, params: [actor, action, key] })
  const [kept, result, isRunning] = rows[0] ?? []
  if (typeof kept !== 'string' || !isSameInput(kept, keptInput)) return undefined
  if (typeof result === 'string') return { kind: 'stored', result }
  return Number(isRunning) === 1 ? { kind: 'running', retryAfterSeconds: RETRY_AFTER_SECONDS } : undefined
}

export interface StoredResult extends KeyScope {
  readonly token: string
  /** What the key keeps of the input. */
  readonly keptInput: string
  /** The answer as text. */
  readonly result: string
}

/** The part of an action's last statement that stores its answer. Fails when another holder was faster. */
export function insertResult(parameters: Parameters, stored: StoredResult): string {
  const { token, actor, action, key, keptInput, result } = stored
  const values = [token, actor, action, key, keptInput, result].map((value) => parameters.bind(value))
  return `insert into deputy.idempotency_results (token, actor, action, key, input_hash, result) values (${values.join(', ')})`
}

const RESULT_CONSTRAINTS: ReadonlySet<string | undefined> = new Set([
  'idempotency_results_pkey',
  'idempotency_results_key',
  // Its messages are named by the key as well.
  'outbox_pkey',
])

/** Whether an error says that the key has been answered by another holder. */
export function isResultConstraint(error: unknown): boolean {
  return error instanceof SqlError && RESULT_CONSTRAINTS.has(error.constraint)
}

const RELEASE = `
  with answered as (
    select result from deputy.idempotency_results where actor = $1 and action = $2 and key = $3),
  kept as (
    select 1 where $5::boolean or exists (select 1 from answered) or exists (
      select 1 from deputy.journal_steps where actor = $1 and action = $2 and key = $3)),
  freed as (
    delete from deputy.idempotency_claims where actor = $1 and action = $2 and key = $3 and token = $4
      and not exists (select 1 from kept)),
  ended as (
    update deputy.idempotency_claims set lease_until = now()
    where actor = $1 and action = $2 and key = $3 and token = $4 and exists (select 1 from kept))
  select result from answered`

export interface ReleaseOptions extends KeyScope {
  readonly token: string
  /** Whether it may have been committed all the same: then the key must not be forgotten. */
  readonly isUnknown: boolean
}

/**
 * Gives a key back after a failure: it is forgotten, unless something was done outside. Then its journal stays, and
 * the next invocation goes on from there.
 *
 * @returns the answer of another holder, if there is one: that this one failed may come of it.
 */
export async function releaseKey(database: Database, options: ReleaseOptions): Promise<string | undefined> {
  const { actor, action, key, token, isUnknown } = options
  const params = [actor, action, key, token, isUnknown]
  const { rows } = await database.write({ sql: RELEASE, params })
  return rows[0] ? String(rows[0][0]) : undefined
}
