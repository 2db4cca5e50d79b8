import { randomInt } from 'node:crypto'

/** What every connection is set to, by statements: a pooler refuses start-up parameters that it does not know. */
const SETTINGS: Readonly<Record<string, string>> = {
  client_encoding: 'UTF8',
  // A statement that escaped its transaction could only read.
  default_transaction_read_only: 'on',
  // A sequential scan of a small table locks all of it for SERIALIZABLE: false conflicts.
  enable_seqscan: 'off',
  // With it off, a statement without an index looks so costly that it would be compiled first: 100 ms.
  jit: 'off',
  // Old dates in a named zone come with an offset in seconds, which a Date cannot read.
  TimeZone: 'UTC',
}

/** How long a statement outside a call may take; one in a call's transaction has the deadline of that call. */
export const STATEMENT_TIMEOUT_MS = 10_000

export interface SessionSettings {
  readonly statementTimeoutMs: number
  /** What tells this connection from all others. */
  readonly id: string
  /** Printable ASCII, of at most 63 characters. */
  readonly applicationName: string
}

/**
 * Sets a connection, whatever was set on it before, and reads back what it is set to: one row, as `isConfirmed` wants
 * it. Sent as one message.
 */
export function settingStatement({ statementTimeoutMs, id, applicationName }: SessionSettings): string {
  const settings = {
    ...SETTINGS,
    statement_timeout: `${statementTimeoutMs}ms`,
    application_name: applicationName.replaceAll("'", "''"),
    'deputy.session': id,
  }
  const calls = Object.entries(settings).map(([name, value]) => `set_config('${name}', '${value}', false)`)
  return `reset all; select ${calls.join(', ')}`
}

/** Whether the answer to `settingStatement` says what it should. */
export function isConfirmed(row: readonly unknown[] | undefined, { id }: SessionSettings): boolean {
  const wanted = Object.values(SETTINGS)
  return row?.at(-1) === id && wanted.every((value, position) => row[position] === value)
}

/**
 * Sets one transaction, in a backend that may be another one than before and hold what others have left there: sent
 * with its BEGIN, as one message. Takes no snapshot, which SELECT would. `SHOW_SESSION` reads the id back.
 */
export function transactionSettings({
  statementTimeoutMs,
  id,
}: Omit<SessionSettings, 'applicationName'>): string {
  const { default_transaction_read_only: _saidByBegin, ...settings } = SETTINGS
  return [
    // Whoever dumps a database through the pooler leaves an empty one.
    'set local search_path to default',
    ...Object.entries({
      ...settings,
      statement_timeout: `${statementTimeoutMs}ms`,
      'deputy.session': id,
    }).map(([name, value]) => `set local ${name} = '${value}'`),
  ].join('; ')
}

/** Fails in a backend that was never set, and answers with the id of the connection that has set it. Takes no snapshot. */
export const SHOW_SESSION = 'show deputy.session'

/**
 * Takes back what SQL of an app can leave on a connection: what DISCARD ALL does, but for the prepared statements of the
 * engine's own, and the seed of random(), which DISCARD ALL leaves.
 *
 * @param user whose connection it is. @default the user whom PostgreSQL knows it by
 */
export function resetStatement(user = 'default'): string {
  // From -1 to 1, and known to no one else.
  const seed = (randomInt(2 ** 47) / 2 ** 46 - 1).toFixed(15)
  return `close all; set session authorization ${user}; reset role; unlisten *; discard temp; discard sequences;
    do $$ declare own record; begin
      for own in select name from pg_prepared_statements where from_sql
      loop execute format('deallocate %I', own.name); end loop;
    end $$;
    select pg_advisory_unlock_all(), setseed(${seed})`
}
