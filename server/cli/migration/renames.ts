import type { TableSnapshot, TablesSnapshot } from './snapshot.ts'

/** A table or a column that has another name now. */
export interface Rename {
  /** Of a column, its table as it is called now; undefined for a table. */
  readonly table: string | undefined
  readonly from: string
  readonly to: string
}

/** Reads `events:meetings`, `events.title:events.name` or `events.title:name`; undefined for anything else. */
export function parseRename(text: string): Rename | undefined {
  const [, table, from = '', toTable, to = ''] =
    /^(?:([^.:]+)\.)?([^.:]+):(?:([^.:]+)\.)?([^.:]+)$/.exec(text) ?? []
  if (from === '' || (toTable !== undefined && toTable !== table) || from === to) return undefined
  return { table, from, to }
}

/**
 * Renames in a snapshot what is said to be renamed, with all that refers to it.
 *
 * @returns the SQL of it, or what is wrong with a rename
 */
export function applyRenames(
  snapshot: TablesSnapshot,
  declared: TablesSnapshot,
  renames: readonly Rename[],
): { readonly snapshot: TablesSnapshot; readonly sql: readonly string[] } | { readonly problem: string } {
  const renamed = structuredClone(snapshot)
  const sql: string[] = []
  // A column is named with its table as it is called now.
  for (const rename of [...renames].sort(
    (one, other) => Number(one.table !== undefined) - Number(other.table !== undefined),
  )) {
    const problem =
      rename.table === undefined
        ? renameTable(renamed, declared, rename)
        : renameColumn(renamed, declared, rename.table, rename)
    if (problem !== undefined) return { problem }
    sql.push(...statementsOf(rename))
    if (rename.table === undefined) sql.push(...renameIndexes(renamed, declared, rename))
  }
  return { snapshot: renamed, sql }
}

function statementsOf({ table, from, to }: Rename): readonly string[] {
  return table === undefined
    ? [`ALTER TABLE ${quoted(from)} RENAME TO ${quoted(to)};`]
    : [`ALTER TABLE ${quoted(table)} RENAME COLUMN ${quoted(from)} TO ${quoted(to)};`]
}

/** Indexes that are named after their table are not made again. */
function renameIndexes(
  snapshot: TablesSnapshot,
  declared: TablesSnapshot,
  { from, to }: Rename,
): readonly string[] {
  const table = snapshot.tables[`public.${to}`]
  const now = declared.tables[`public.${to}`]
  if (!table || !now) return []
  return Object.entries(table.indexes).flatMap(([name, index]) => {
    const renamed = name.startsWith(`${from}_`) ? `${to}${name.slice(from.length)}` : name
    if (now.indexes[name] || !now.indexes[renamed]) return []
    delete table.indexes[name]
    table.indexes[renamed] = { ...index, name: renamed }
    return [`ALTER INDEX ${quoted(name)} RENAME TO ${quoted(renamed)};`]
  })
}

function renameTable(
  snapshot: TablesSnapshot,
  declared: TablesSnapshot,
  { from, to }: Rename,
): string | undefined {
  const table = snapshot.tables[`public.${from}`]
  if (!table) return `There is no table "${from}" in the migrations; tables are ${namesOf(snapshot.tables)}.`
  if (declared.tables[`public.${from}`])
    return `The table "${from}" is still declared, so it was not renamed.`
  if (!declared.tables[`public.${to}`])
    return `No table "${to}" is declared; tables are ${namesOf(declared.tables)}.`
  if (snapshot.tables[`public.${to}`]) return `The migrations have a table "${to}" already.`
  delete snapshot.tables[`public.${from}`]
  snapshot.tables[`public.${to}`] = { ...table, name: to }
  for (const { foreignKeys, checkConstraints, indexes } of Object.values(snapshot.tables)) {
    for (const key of Object.values(foreignKeys)) {
      if (key.tableFrom === from) key.tableFrom = to
      if (key.tableTo === from) key.tableTo = to
    }
    for (const check of Object.values(checkConstraints)) check.value = replaceName(check.value, from, to)
    for (const index of Object.values(indexes)) renameInIndex(index, from, to)
  }
  return undefined
}

function renameColumn(
  snapshot: TablesSnapshot,
  declared: TablesSnapshot,
  tableName: string,
  { from, to }: Rename,
): string | undefined {
  const table = snapshot.tables[`public.${tableName}`]
  const now = declared.tables[`public.${tableName}`]
  if (!table || !now) return `There is no table "${tableName}" both in the migrations and declared.`
  const column = table.columns[from]
  if (!column)
    return `The migrations have no column "${tableName}.${from}"; columns are ${listed(Object.keys(table.columns))}.`
  if (now.columns[from]) return `The column "${tableName}.${from}" is still declared, so it was not renamed.`
  if (!now.columns[to])
    return `No column "${tableName}.${to}" is declared; columns are ${listed(Object.keys(now.columns))}.`
  if (table.columns[to]) return `The migrations have a column "${tableName}.${to}" already.`
  table.columns = Object.fromEntries(
    Object.entries(table.columns).map(([name, value]) =>
      name === from ? [to, { ...column, name: to }] : [name, value],
    ),
  )
  renameInKeys(table, from, to)
  for (const { foreignKeys } of Object.values(snapshot.tables)) {
    for (const key of Object.values(foreignKeys))
      if (key.tableTo === tableName) key.columnsTo = key.columnsTo.map((name) => (name === from ? to : name))
  }
  return undefined
}

/** The database renames a column in its keys, indexes and checks by itself. */
function renameInKeys(table: TableSnapshot, from: string, to: string): void {
  const renamed = (names: readonly string[]) => names.map((name) => (name === from ? to : name))
  for (const key of Object.values(table.foreignKeys)) key.columnsFrom = renamed(key.columnsFrom)
  for (const key of [...Object.values(table.compositePrimaryKeys), ...Object.values(table.uniqueConstraints)])
    key.columns = renamed(key.columns)
  for (const check of Object.values(table.checkConstraints)) check.value = replaceName(check.value, from, to)
  for (const index of Object.values(table.indexes)) {
    for (const column of index.columns)
      if (!column.isExpression && column.expression === from) column.expression = to
    renameInIndex(index, from, to)
  }
}

function renameInIndex(index: TableSnapshot['indexes'][string], from: string, to: string): void {
  for (const column of index.columns)
    if (column.isExpression) column.expression = replaceName(column.expression, from, to)
  if (index.where !== undefined) index.where = replaceName(index.where, from, to)
}

function replaceName(text: string, from: string, to: string): string {
  return text.replaceAll(quoted(from), quoted(to))
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function namesOf(tables: Readonly<Record<string, TableSnapshot>>): string {
  return listed(Object.values(tables).map(({ name }) => name))
}

function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.toSorted().join(', ')
}
