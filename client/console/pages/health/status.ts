import type { ServerStatus } from '../../../../server/metrics/status.ts'

/** Tokens expire, and cursors are compared, by both clocks. */
const CLOCK_MS = 1_000
/** What waits longer than that waits for more than its turn. */
const LATE_SECONDS = 60
/** So much of the calls that conflict costs more than it should. */
const RETRIED_PART = 0.2
const FEW_CALLS = 100

/** Says what of a status someone should look at, and what would mend it. */
export function worriesOf({
  hasOwner,
  database,
  pool,
  calls,
  work,
  lastDay,
}: ServerStatus): readonly string[] {
  const worries: string[] = []
  if (!hasOwner) worries.push('The app has no owner: set OWNER_USER_ID.')
  if (Math.abs(database.aheadMs) > CLOCK_MS)
    worries.push(`The clock of the database is ${database.aheadMs} ms ahead: have both synchronised, by NTP.`)
  if (pool.waiting > 0)
    worries.push(`${pool.waiting} calls wait for a connection to the database: look for slow calls.`)
  if (calls.waiting > 0)
    worries.push(`${calls.waiting} calls wait for room: more is asked of the server than it can do.`)
  if (!work) return [...worries, 'The database does not say in time what work there is.']
  for (const [name, count] of Object.entries(work.counts))
    if (name.endsWith(' dead')) worries.push(`${count} × ${name.replace(' dead', '')} given up: see Work.`)
  for (const [kind, seconds] of Object.entries(work.oldestSeconds))
    if (seconds > LATE_SECONDS)
      worries.push(`The oldest due ${kind} waits for ${Math.round(seconds)} s: is a server running jobs?`)
  for (const [name, seconds] of Object.entries(work.lateSeconds))
    if (seconds > LATE_SECONDS) worries.push(`The schedule ${name} is ${Math.round(seconds)} s late.`)
  if (lastDay.calls >= FEW_CALLS && lastDay.retried / lastDay.calls > RETRIED_PART)
    worries.push(`${lastDay.retried} of ${lastDay.calls} calls were tried again: many write the same record.`)
  return worries
}
