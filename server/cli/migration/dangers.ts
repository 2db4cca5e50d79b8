/** Statements that need a second look, by what they do to tables that may have rows and calls. */
const DANGERS: readonly { readonly pattern: RegExp; readonly text: string }[] = [
  {
    pattern: /^alter table (\S+) add column (\S+) (?!.*\bdefault\b).*\bnot null\b/i,
    text: 'fails where $1 has rows: give $2 a default, or add it without NOT NULL, fill it, and set NOT NULL after that',
  },
  {
    pattern: /^alter table (\S+) add column (\S+) .*\bgenerated always as\b/i,
    text: 'writes every row of $1 again, and holds all calls on it up meanwhile',
  },
  {
    pattern: /^alter table (\S+) alter column (\S+) set not null/i,
    text: 'fails where a row of $1 has no $2: fill it first, with an UPDATE before this statement',
  },
  {
    pattern: /^alter table (\S+) alter column (\S+) set data type/i,
    text: 'writes every row of $1 again, and holds all calls on it up meanwhile; it fails where a value does not fit',
  },
  { pattern: /^drop table (?:if exists )?(\S+)/i, text: 'drops $1 with its data' },
  {
    pattern: /^alter table (\S+) drop column (?:if exists )?(\S+)/i,
    text: 'drops the data of $2 in $1; a server of the version before fails as soon as it is applied',
  },
  {
    pattern: /^alter table (\S+) rename (?:column \S+ )?to /i,
    text: 'makes a server of the version before fail as soon as it is applied: stop it first',
  },
  {
    pattern: /^create (?:unique )?index (?!concurrently)(?:if not exists )?\S+ on (\S+)/i,
    text: 'holds writes to $1 up while the index is made: on a large table make it by hand before, with CREATE INDEX CONCURRENTLY, and write CREATE INDEX IF NOT EXISTS here',
  },
  {
    pattern: /^alter table (\S+) add constraint (\S+) unique/i,
    text: 'fails where rows of $1 have the same values, and holds all calls on it up while its index is made',
  },
  {
    pattern: /^alter table (\S+) add constraint (\S+) (?:check|foreign key)(?!.*\bnot valid\b)/i,
    text: 'fails where a row of $1 does not fit, and holds writes to it up while it looks at all rows',
  },
]

const BREAKPOINT = '--> statement-breakpoint'

/** Finds what in a migration may lose data, fail on rows that exist, or hold calls up: a line for each. */
export function findDangers(sql: string): readonly string[] {
  const statements = sql.split(BREAKPOINT).map((text) => text.replaceAll(/\s+/g, ' ').trim())
  const made = new Set(
    statements.flatMap((text) => /^create table (?:if not exists )?(\S+)/i.exec(text)?.[1] ?? []),
  )
  return statements.flatMap((statement) => dangerOf(statement, made) ?? [])
}

/** A table that is made in the same migration has no rows. */
function dangerOf(statement: string, made: ReadonlySet<string>): string | undefined {
  for (const { pattern, text } of DANGERS) {
    const match = pattern.exec(statement)
    if (!match) continue
    const [, table = '', column = ''] = match
    if (made.has(bare(table))) return undefined
    return `${excerpt(statement)}\n    ${text.replaceAll('$1', bare(table)).replaceAll('$2', bare(column))}`
  }
  return undefined
}

function bare(name: string): string {
  return name.replace(/^"public"\./, '').replace(/[;(].*$/, '')
}

function excerpt(statement: string): string {
  return statement.length > 120 ? `${statement.slice(0, 120)}…` : statement
}
