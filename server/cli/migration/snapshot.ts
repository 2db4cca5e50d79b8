// What drizzle-kit notes of the tables beside each migration, in meta/.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { CommandError } from '../command-error.ts'

const named = z.record(z.string(), z.looseObject({}))

const indexSchema = z.looseObject({
  columns: z.array(z.looseObject({ expression: z.string(), isExpression: z.boolean() })),
  where: z.string().optional(),
})

const foreignKeySchema = z.looseObject({
  tableFrom: z.string(),
  tableTo: z.string(),
  schemaTo: z.string().optional(),
  columnsFrom: z.array(z.string()),
  columnsTo: z.array(z.string()),
})

const tableSchema = z.looseObject({
  name: z.string(),
  schema: z.string(),
  columns: z.record(z.string(), z.looseObject({ name: z.string() })),
  indexes: z.record(z.string(), indexSchema),
  foreignKeys: z.record(z.string(), foreignKeySchema),
  compositePrimaryKeys: z.record(z.string(), z.looseObject({ columns: z.array(z.string()) })),
  uniqueConstraints: z.record(z.string(), z.looseObject({ columns: z.array(z.string()) })),
  checkConstraints: z.record(z.string(), z.looseObject({ value: z.string() })),
  policies: named.optional(),
})

const snapshotSchema = z.looseObject({
  id: z.string(),
  prevId: z.string(),
  tables: z.record(z.string(), tableSchema),
  enums: named,
  schemas: z.record(z.string(), z.unknown()),
  sequences: named,
  views: named,
  policies: named.optional(),
  roles: named.optional(),
})

/** The tables at one migration, as drizzle-kit describes them. */
export type TablesSnapshot = z.output<typeof snapshotSchema>
export type TableSnapshot = z.output<typeof tableSchema>

const journalSchema = z.looseObject({
  entries: z.array(z.looseObject({ idx: z.number(), tag: z.string(), when: z.number() })),
})

/** The list of a folder's migrations, as drizzle-kit keeps it. */
export type MigrationIndex = z.output<typeof journalSchema>

function emptyIndex(): MigrationIndex {
  return { version: '7', dialect: 'postgresql', entries: [] }
}

export function indexPath(folder: string): string {
  return join(folder, 'meta', '_journal.json')
}

/** The files of a snapshot: named after its migration, so that two branches do not write the same file. */
export function snapshotPath(folder: string, tag: string): string {
  return join(folder, 'meta', `${tag}_snapshot.json`)
}

/** Reads what a folder has; an index without entries where there is none yet. @throws {CommandError} */
export function readIndex(folder: string): MigrationIndex {
  const path = indexPath(folder)
  return existsSync(path) ? readJson(path, journalSchema) : emptyIndex()
}

export function parseSnapshot(value: unknown): TablesSnapshot {
  return snapshotSchema.parse(value)
}

/**
 * Reads the state of the tables after all migrations of a folder. Where branches were merged, their snapshots begin at
 * the same one: what each has changed is put together.
 *
 * @returns undefined where there is none yet
 * @throws {CommandError} where a snapshot is lost or cannot be read
 */
export function readState(folder: string, { entries }: MigrationIndex): TablesSnapshot | undefined {
  const known = new Map<string, TablesSnapshot>()
  let state: TablesSnapshot | undefined
  for (const { tag } of entries) {
    const path = findSnapshot(folder, tag)
    // A migration that is written by hand changes nothing that is declared.
    if (path === undefined) continue
    const next = readJson(path, snapshotSchema)
    const base = known.get(next.prevId)
    state = state && base ? { ...mergeChanges(base, state, next), id: next.id, prevId: next.prevId } : next
    known.set(next.id, next)
  }
  if (state === undefined && entries.length > 0)
    throw new CommandError(
      `There is no snapshot in ${join(folder, 'meta')}, so nothing can be compared. Commit these files.`,
    )
  return state
}

/** drizzle-kit names it by the number alone. */
function findSnapshot(folder: string, tag: string): string | undefined {
  const paths = [snapshotPath(folder, tag), join(folder, 'meta', `${tag.split('_', 1).join()}_snapshot.json`)]
  return paths.find((path) => existsSync(path))
}

function readJson<T extends z.ZodType>(path: string, schema: T): z.output<T> {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch (error) {
    throw new CommandError(
      `${path} cannot be read. A merge may have left its marks in it: ${error instanceof z.ZodError ? z.prettifyError(error) : String(error)}`,
    )
  }
}

/** Puts together what two sides have made of the same base. Where both changed one value, the second side's is taken. */
function mergeChanges<T>(base: T, first: T, second: T): T {
  if (!isTree(base) || !isTree(first) || !isTree(second)) return isSame(base, second) ? first : second
  const names = new Set([...Object.keys(first), ...Object.keys(second)])
  const merged: Record<string, unknown> = {}
  for (const name of names) {
    const value = mergeChanges(base[name], first[name], second[name])
    if (value !== undefined) merged[name] = value
  }
  return merged as T
}

function isTree(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
