import { type Database, SqlError } from '../db/database.ts'
import type { Parameters } from '../db/statement.ts'
import { isSameInput } from './fingerprint.ts'
import type { StoredStep } from './journal.ts'

/** What an idempotency key belongs to: one caller and one action. */
export interface KeyScope {
  readonly actor: string
  readonly action: string
  readonly key: string
}

/** The space of the keys that routes run actions under, with a name: `route:payments`. */
export const ROUTE_KEYS = 'route'

export interface ClaimRequest extends KeyScope {
  /** The fencing token: the id of the invocation. */
  readonly token: string
  /** The input as it is stored with the key: hashes of it. */
  readonly storedInput: string
  readonly now: Date
  /** Milliseconds that the holder may work before another may take over. */
  readonly leaseMs: number
}

export type Claim =
  /** `now` and `steps` are those of the first invocation, if it left steps to continue with. */
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

/** How often to look for a claim that another statement has just made, whose row is not visible at first. */
const MAX_LOOKS = 5
const RETRY_AFTER_SECONDS = 1

/** Claims a key, or returns its state. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function claimKey(database: Database, request: ClaimRequest): Promise<Claim> {
  const { actor, action, key, token, storedInput, now, leaseMs } = request
  const params = [actor, action, key, token, storedInput, now.toISOString(), Math.ceil(leaseMs)]
  for (let look = 1; look <= MAX_LOOKS; look += 1) {
    const { rows } = await database.write({ sql: CLAIM, params })
    const [taken, kept, result, steps] = rows[0] ?? []
    if (typeof taken === 'string') {
      const now = new Date(Math.round(Number(taken) * 1_000))
      return { kind: 'claimed', now, steps: typeof steps === 'string' ? JSON.parse(steps) : [] }
    }
    if (typeof kept !== 'string') continue
    if (!isSameInput(kept, storedInput)) return { kind: 'other input' }
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
 * Finds the result of a key without claiming it, for an input that the schema refuses now. Undefined where the key has
 * none for this input. @throws {SqlError | ConnectionLost | AcquireTimeout}
 */
export async function findKey(
  database: Database,
  { actor, action, key }: KeyScope,
  storedInput: string,
): Promise<Exclude<Claim, { kind: 'claimed' | 'other input' }> | undefined> {
  const { rows } = await database.query({ sql: FIND, params: [actor, action, key] })
  const [kept, result, isRunning] = rows[0] ?? []
  if (typeof kept !== 'string' || !isSameInput(kept, storedInput)) return undefined
  if (typeof result === 'string') return { kind: 'stored', result }
  return Number(isRunning) === 1 ? { kind: 'running', retryAfterSeconds: RETRY_AFTER_SECONDS } : undefined
}

export interface StoredResult extends KeyScope {
  readonly token: string
  /** The input as it is stored with the key: hashes of it. */
  readonly storedInput: string
  /** The answer as text. */
  readonly result: string
}

/** Writes the part of a commit statement that stores the result. It fails when another holder was faster. */
export function insertResult(parameters: Parameters, stored: StoredResult): string {
  const { token, actor, action, key, storedInput, result } = stored
  const values = [token, actor, action, key, storedInput, result].map((value) => parameters.bind(value))
  return `insert into deputy.idempotency_results (token, actor, action, key, input_hash, result) values (${values.join(', ')})`
}

const RESULT_CONSTRAINTS: ReadonlySet<string | undefined> = new Set([
  'idempotency_results_pkey',
  'idempotency_results_key',
  // The ids of what it queues are derived from the key as well.
  'queue_pkey',
])

/** Whether an error says that another holder has stored a result for the key. */
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
  /** Whether the call may have committed: then the key is not forgotten. */
  readonly isUnknown: boolean
}

/**
 * Gives a key back after a failure. It is forgotten, unless a side effect happened: then its journal stays, and the next
 * invocation continues from there.
 *
 * @returns the result of another holder, if there is one: it may be the reason of this failure.
 */
export async function releaseKey(database: Database, options: ReleaseOptions): Promise<string | undefined> {
  const { actor, action, key, token, isUnknown } = options
  const params = [actor, action, key, token, isUnknown]
  const { rows } = await database.write({ sql: RELEASE, params })
  return rows[0] ? String(rows[0][0]) : undefined
}
