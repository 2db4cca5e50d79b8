import type { TablesSnapshot } from './snapshot.ts'

/** What was declared and is no more, beside what is declared anew: a rename, or a drop and an addition. */
export interface RenameQuestion {
  /** The table of the columns; undefined where tables are in question. */
  readonly table: string | undefined
  readonly gone: readonly string[]
  readonly added: readonly string[]
}

/** Finds what cannot be told from the declarations alone. */
export function findQuestions(before: TablesSnapshot, declared: TablesSnapshot): readonly RenameQuestion[] {
  const tables = difference(before.tables, declared.tables)
  const questions = [
    { table: undefined, gone: tables.gone.map(withoutPublic), added: tables.added.map(withoutPublic) },
  ]
  const columns = Object.entries(before.tables).flatMap(([key, { name, columns: stored }]) => {
    const now = declared.tables[key]
    return now ? [{ table: name, ...difference(stored, now.columns) }] : []
  })
  return [...questions, ...columns].filter(({ gone, added }) => gone.length > 0 && added.length > 0)
}

/** The name of a table or a view, as a person says it. */
export function withoutPublic(key: string): string {
  return key.replace(/^public\./, '')
}

/** Of the questions, those that are not answered by what is said to be dropped. */
export function unanswered(
  questions: readonly RenameQuestion[],
  dropped: readonly string[],
): readonly RenameQuestion[] {
  return questions
    .map(({ table, gone, added }) => ({
      table,
      gone: gone.filter((name) => !dropped.includes(table === undefined ? name : `${table}.${name}`)),
      added,
    }))
    .filter(({ gone }) => gone.length > 0)
}

/** Says what has to be known, with the options that tell it. */
export function askFor(questions: readonly RenameQuestion[]): string {
  const lines = questions.flatMap(({ table, gone, added }) => {
    const full = (name: string) => (table === undefined ? name : `${table}.${name}`)
    const what = table === undefined ? 'table' : 'column'
    return [
      `  ${gone.map(full).join(', ')} ${gone.length === 1 ? 'is' : 'are'} declared no more, and ${added.map(full).join(', ')} ${added.length === 1 ? 'is' : 'are'} new. For each ${what} that is gone, give one of:`,
      ...gone.flatMap((name) => [
        ...added.map(
          (now) => `    --rename ${full(name)}:${full(now)}    it has another name now, and keeps its data`,
        ),
        `    --drop ${full(name)}    it is dropped with its data, and what is new is another ${what}`,
      ]),
    ]
  })
  return ['A rename cannot be told from a drop beside an addition:', ...lines].join('\n')
}

/**
 * The states between two, so that in each step something is added or something is dropped, and never both at one
 * place: drizzle-kit would ask about it.
 */
export function stepsBetween(before: TablesSnapshot, declared: TablesSnapshot): readonly TablesSnapshot[] {
  const questions = findQuestions(before, declared)
  const dropped = structuredClone(before)
  if (questions.some(({ table }) => table === undefined)) {
    dropped.tables = Object.fromEntries(
      Object.entries(before.tables).filter(([key]) => declared.tables[key] !== undefined),
    )
    const isLeft = (name: string) => Object.values(dropped.tables).some((table) => table.name === name)
    for (const table of Object.values(dropped.tables)) {
      table.foreignKeys = Object.fromEntries(
        Object.entries(table.foreignKeys).filter(([, { tableTo }]) => isLeft(tableTo)),
      )
    }
  }
  const added = structuredClone(dropped)
  for (const kind of ['enums', 'schemas', 'sequences'] as const)
    Object.assign(added[kind], { ...declared[kind], ...dropped[kind] })
  for (const [key, table] of Object.entries(added.tables)) {
    const now = declared.tables[key]
    if (now && questions.some((question) => question.table === table.name))
      table.columns = { ...now.columns, ...table.columns }
  }
  return [before, dropped, added, declared]
}

/** Names what is in one of two states alone. */
export function difference(
  before: Readonly<Record<string, unknown>>,
  declared: Readonly<Record<string, unknown>>,
): { readonly gone: readonly string[]; readonly added: readonly string[] } {
  return {
    gone: Object.keys(before).filter((name) => !Object.hasOwn(declared, name)),
    added: Object.keys(declared).filter((name) => !Object.hasOwn(before, name)),
  }
}
