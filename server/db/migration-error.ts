/** The database could not be brought up to date. Its message is for the person who starts the server. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
  /** Of what Postgres refused; undefined where it was not asked. */
  readonly sqlstate: string | undefined

  constructor(message: string, sqlstate?: string) {
    super(message)
    this.sqlstate = sqlstate
  }
}

/** What Postgres says of a statement that failed, whichever driver tells it. */
export interface PostgresReason {
  readonly code: string
  readonly message: string
  readonly detail?: string | undefined
  readonly hint?: string | undefined
  /** Where in the text, from 1. */
  readonly position?: string | undefined
}

export interface FailedStatement {
  /** As people are told of it: `0000_init.sql`, or `0000_init.sql of the engine`. */
  readonly file: string
  /** The statement, and the whole file that it is of. */
  readonly statement: string
  readonly text: string
  /** The last of the migrations that are applied though the journal has them after this one. */
  readonly appliedLater: string | undefined
  readonly reason: PostgresReason
}

const MAX_STATEMENT_LENGTH = 600

/** Says why a migration failed: the file, the statement, the reason, and what to do where that is known. */
export function explainFailure(failed: FailedStatement): string {
  const { file, reason, appliedLater } = failed
  const { message, detail } = withoutValues(reason)
  const lines = [
    `Migration ${file} failed in line ${lineOf(failed)}, and nothing of it was kept: ${message} (SQLSTATE ${reason.code})`,
    detail && `  Detail: ${detail}`,
    reason.hint && `  Hint: ${reason.hint}`,
    `  Statement: ${excerpt(failed.statement)}`,
    appliedLater &&
      `  It comes before ${appliedLater} in the journal, which was applied before it: if it must come after that, move its entry in meta/_journal.json to the end.`,
  ]
  const remedy = remedyFor(failed)
  if (remedy !== undefined) lines.push(`  What to do: ${remedy}`)
  return lines.filter((line) => line !== undefined && line !== '').join('\n')
}

/**
 * The values of a record are no one's to read in a log. A broken constraint has them in its detail, and a value that
 * cannot be read is quoted (class 22).
 */
function withoutValues({
  code,
  message,
  detail,
}: PostgresReason): Pick<PostgresReason, 'message' | 'detail'> {
  if (code.startsWith('22')) {
    const unquoted = (text: string) => text.replace(/".*"/s, '"…"')
    return { message: unquoted(message), detail: detail && unquoted(detail) }
  }
  if (detail?.startsWith('Failing row contains')) return { message }
  return { message, detail: detail?.replace(/\)=\(.*\)/s, ')=(…)') }
}

function remedyFor({ reason: { code, message }, statement }: FailedStatement): string | undefined {
  switch (code) {
    case '23502':
      return 'there are rows already, which have no value for the column. Add it without NOT NULL or with a default, fill it, and make it NOT NULL in a migration after that.'
    case '23505':
      return 'rows that exist have the same values. Make them differ in the migration before the constraint is added.'
    case '23503':
    case '23514':
    case '23P01':
      return 'rows that exist break the constraint. Mend them in the migration before it is added, or add it NOT VALID.'
    case '55P04':
      return 'an enum value cannot be used in the transaction that adds it. Each file is a transaction: use the value in a migration of its own, after this one.'
    case '25001':
      return /concurrently/i.test(statement)
        ? 'each file is a transaction, in which nothing can be done CONCURRENTLY. Write CREATE INDEX without it; or make the index by hand before, and write CREATE INDEX IF NOT EXISTS here.'
        : 'each file is a transaction, in which this cannot be done. Do it by hand before.'
    case '42501':
      return 'the role in DATABASE_URL lacks the right. Apply the migrations as the role that owns the tables, by deputy migrate; or give this one their ownership and CREATE on the schema.'
    case '3F000':
      return 'create the schema first, in this migration or by hand.'
    case '0A000':
    case '58P01':
      return /extension/i.test(`${message} ${statement}`)
        ? 'the extension is not installed on the database server. Install it there, or do without.'
        : undefined
    case '42704':
      return 'a type, or what an extension brings, is not there. Write CREATE TYPE or CREATE EXTENSION before it, in this migration.'
    case '42701':
    case '42P07':
    case '42710':
    case '42P06':
      return 'it exists already: it was made by hand, or by another migration. Drop it, or leave the statement out of this file.'
    case '42703':
    case '42P01':
      return 'it is not there: it was dropped, or a migration after this one makes it.'
    case '55P03':
    case '40P01':
      return 'a transaction elsewhere holds the table, and it was tried until the patience was over. Find it in pg_stat_activity, and start again when the table is free.'
    case '42804':
      return 'Postgres cannot change the values by itself. Add USING with the expression that does.'
    default:
      return code.startsWith('22') && /\b(?:alter|update)\b/i.test(statement)
        ? 'a value that exists does not fit. Mend such values in the migration before that, or say in USING what becomes of them.'
        : undefined
  }
}

/** The line of the file in which Postgres found the mistake, else the one in which the statement begins. */
function lineOf({ text, statement, reason }: FailedStatement): number {
  const start = Math.max(0, text.indexOf(statement))
  const found = Number(reason.position)
  const blank = /^\s*/.exec(statement)?.[0].length ?? 0
  const offset = Number.isSafeInteger(found) && found > 0 ? found - 1 : blank
  return text.slice(0, start + offset).split('\n').length
}

function excerpt(statement: string): string {
  const text = statement.trim().replaceAll(/\s+/g, ' ')
  return text.length > MAX_STATEMENT_LENGTH ? `${text.slice(0, MAX_STATEMENT_LENGTH)}…` : text
}

/** Reads what a driver threw; undefined for what Postgres did not say. */
export function reasonOf(error: unknown): PostgresReason | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('severity' in error)) return undefined
  const { code } = error
  const text = (name: 'detail' | 'hint' | 'position') => {
    const value: unknown = name in error ? Reflect.get(error, name) : undefined
    return value === undefined ? undefined : String(value)
  }
  if (typeof code !== 'string' || !/^[\dA-Z]{5}$/.test(code)) return undefined
  return {
    code,
    message: error.message,
    detail: text('detail'),
    hint: text('hint'),
    position: text('position'),
  }
}
