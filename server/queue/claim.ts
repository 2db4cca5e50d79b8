import type { Database } from '../db/database.ts'
import { type Claimed, JOB_LANE } from './work.ts'

/** How much one server does of one lane at a time. */
export const MAX_OF_LANE = 8
/** How many messages one server sends to one integration at a time. */
export const MAX_OF_INTEGRATION = 16
/** How much of that one caller may have: the rest is for others. */
export const MAX_OF_CALLER = 6
/** What the lanes of all jobs are together; no integration is named so. */
const JOBS = 'job:'

/** Numbers by lane, or by group of lanes. */
export type ByLane = Readonly<Record<string, number>>

// Lanes take turns, each with as much of its oldest work as it has room for: one that hangs holds its own room alone.
// So do the callers of a lane, by groups of them: whoever has queued much of it waits for themselves alone. Which lanes
// and groups there are is looked up in the index, from one to the next, so that no backlog has to be read for it. The
// lanes of an integration are a group as well.
// A server skips the rows that another has locked. When a server dies, its work is free again once its lease has ended;
// a message that it had sent may have arrived.
// A due time is kept to the millisecond, which may be rounded up.
// Work of a series waits for what was queued before it, and for what is under way.
const CLAIM = `
  with recursive waiting (lane, callers) as (
    (select lane, caller_group from deputy.queue where state = 'queued' order by lane, caller_group limit 1)
    union all
    select next.lane, next.caller_group from waiting cross join lateral (
      select lane, caller_group from deputy.queue
      where state = 'queued' and (lane, caller_group) > (waiting.lane, waiting.callers)
      order by lane, caller_group limit 1) as next),
  known (lane) as (select jsonb_array_elements_text($8::jsonb)),
  ours as materialized (
    select ours.id, ours.due_at, waiting.lane, case when waiting.lane like '${JOB_LANE}%' then '${JOBS}' else split_part(waiting.lane, '/', 1) end as lanes,
      row_number() over (partition by waiting.lane, waiting.callers order by ours.due_at, ours.id) as turn
    from waiting cross join lateral (
      select id, due_at from deputy.queue as work
      where state = 'queued' and lane = waiting.lane and caller_group = waiting.callers and due_at < now() + ($6::bigint + 1) * interval '1 millisecond'
        and (series is null or not exists (select 1 from deputy.queue as other
          where other.series = work.series and other.state = 'queued' and other.id <> work.id
            and (other.lane = work.lane and (other.created_at, other.id) < (work.created_at, work.id)
              or other.token is not null and other.due_at > now() + $6::bigint * interval '1 millisecond')))
      order by due_at
      limit greatest(0, least(${MAX_OF_LANE} - coalesce(($4::jsonb ->> waiting.lane)::int, 0),
        case waiting.callers when -1 then ${MAX_OF_LANE} else ${MAX_OF_CALLER} end
          - coalesce(($10::jsonb ->> (waiting.lane || ' ' || waiting.callers))::int, 0)))
      for update skip locked) as ours
    where waiting.lane not like '${JOB_LANE}%' or waiting.lane in (select lane from known)),
  in_lane as (
    select id, due_at, lane, lanes, row_number() over (partition by lane order by turn, due_at) as turn from ours),
  fitting as (
    select id, due_at, turn, lanes, row_number() over (partition by lanes order by turn, due_at) as turn_of_lanes
    from in_lane where turn <= ${MAX_OF_LANE} - coalesce(($4::jsonb ->> lane)::int, 0)),
  due as materialized (
    select id from fitting
    where turn_of_lanes <= case lanes when '${JOBS}' then $9::int else ${MAX_OF_INTEGRATION} end
      - coalesce(($5::jsonb ->> lanes)::int, 0)
    order by turn, due_at limit $3::int)
  update deputy.queue as it set token = $1, attempts = it.attempts + 1, key = null,
    due_at = now() + ($6::bigint + coalesce(($7::jsonb ->> it.lane)::int, $2::int)) * interval '1 millisecond',
    is_unknown = it.is_unknown or exists (
      select 1 from deputy.credit_holds as hold where hold.effect = it.id and hold.state = 'sent')
  from due where it.id = due.id
  returning it.id, it.kind, it.lane, it.data, it.payer, it.run_as, it.source, it.caller, it.action, it.invocation,
    it.attempts, it.max_attempts, it.is_unknown, it.series, it.caller_group, it.acted_by`

export interface ClaimOptions {
  /** The fencing token of this claim. */
  readonly token: string
  readonly leaseMs: number
  /** How much at most. */
  readonly limit: number
  /** What this server is at work on, by lane. @default none */
  readonly byLane?: ByLane
  /** What this server is at work on, by `callersIn`. @default none */
  readonly byCallers?: ByLane
  /** What this server is at work on, by group of lanes. @default none */
  readonly byGroup?: ByLane
  /** Leases of lanes whose work may last longer, in milliseconds. @default none */
  readonly leases?: ByLane
  /** The actions whose jobs are taken. @default none */
  readonly actions?: readonly string[]
  /** How many of it may be jobs. @default all */
  readonly maxJobs?: number
  /** Milliseconds that the clock of a test is ahead of the database's. @default 0 */
  readonly offsetMs?: number
}

/** What the room of a group of callers in a lane is counted by. */
export function callersIn({ lane, callerGroup }: Pick<Claimed, 'lane' | 'callerGroup'>): string {
  return `${lane} ${callerGroup}`
}

/** Claims work that is due. @throws {SqlError | ConnectionLost | AcquireTimeout} */
export async function claimWork(
  database: Database,
  {
    token,
    leaseMs,
    limit,
    byLane = {},
    byGroup = {},
    byCallers = {},
    leases = {},
    actions = [],
    maxJobs = limit,
    offsetMs = 0,
  }: ClaimOptions,
): Promise<Claimed[]> {
  const [lanes, groups, longer, callers] = [byLane, byGroup, leases, byCallers].map((numbers) =>
    JSON.stringify(numbers),
  )
  const known = JSON.stringify(actions.map((name) => `${JOB_LANE}${name}`))
  const params = [token, leaseMs, limit, lanes, groups, offsetMs, longer, known, maxJobs, callers]
  const { rows } = await database.write({ sql: CLAIM, params })
  return rows.map(readClaimed)
}

function readClaimed(row: readonly unknown[]): Claimed {
  const [id, kind, lane, data, payer, runAs, source, caller, action, invocation] = row.map((value) =>
    value === null ? undefined : String(value),
  )
  const [attempt, maxAttempts, isUnknown, series, callerGroup, actedBy] = row.slice(10)
  const common = {
    id: id ?? '',
    lane: lane ?? '',
    caller: caller ?? null,
    actedBy: typeof actedBy === 'string' ? actedBy : null,
    action: action ?? '',
    invocation: invocation ?? '',
    attempt: Number(attempt),
    maxAttempts: Number(maxAttempts),
    isUnknown: isUnknown === true,
    callerGroup: Number(callerGroup),
  }
  switch (kind) {
    case 'job':
      return {
        ...common,
        kind: 'job',
        name: common.lane.slice(JOB_LANE.length),
        input: data ?? '',
        runAs: runAs === 'owner' || runAs === 'caller' ? runAs : 'nobody',
        source: source === 'schedule' ? 'schedule' : 'later',
        series: series === null ? undefined : String(series),
      }
    case 'grant': {
      const { account, amount } = JSON.parse(data ?? '{}')
      return { ...common, kind: 'grant', account: String(account), amount: Number(amount) }
    }
    default:
      return {
        ...common,
        kind: 'message',
        endpoint: common.lane,
        data: JSON.parse(data ?? 'null'),
        payer: payer === 'caller' ? 'caller' : 'owner',
      }
  }
}
