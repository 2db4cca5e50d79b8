import { sql } from 'drizzle-orm'
import { systemColumns } from '../../tools/assignments.ts'
import type { CatalogEntry } from '../../tools/catalog.ts'
import type { ReadRuntime } from '../../tools/tool-runtime.ts'
import type { Write } from '../writes.ts'

/** In a larger table it is not looked for what changed; that it did is told. */
const MAX_TABLE_BYTES = 64 * 2 ** 20
const MAX_IDS = 50_000

/** How many rows of a table the transaction has made, changed and deleted. */
interface RowCounts {
  readonly create: number
  readonly update: number
  readonly remove: number
  readonly collection: string | undefined
  readonly bytes: number
}

/** By `schema.table`. */
export type Counts = ReadonlyMap<string, RowCounts>

/** A collection of which more was changed than the verbs have said: by SQL of the app's own, a trigger or a cascade. */
export interface UnreportedChanges {
  readonly entry: CatalogEntry
  /** The records that were made or changed, those that the verbs have said among them. */
  readonly written: readonly string[]
  /** The records that there are afterwards, where some were deleted. */
  readonly left: ReadonlySet<string> | undefined
}

/**
 * Reads what the database has counted for this transaction. It may have counted for the one before it on the same
 * connection too, so only what is added to an earlier reading counts.
 */
export async function readCounts(runtime: ReadRuntime): Promise<Counts> {
  const { rows } = await runtime.execute(sql`
    select schemaname || '.' || relname, n_tup_ins, n_tup_upd, n_tup_del,
      case when relid = to_regclass(quote_ident(relname)) then relname::text end, pg_relation_size(relid)
    from pg_catalog.pg_stat_xact_user_tables where n_tup_ins + n_tup_upd + n_tup_del > 0`)
  return new Map(
    rows.map(([table, create, update, remove, collection, bytes]) => [
      String(table),
      {
        create: Number(create),
        update: Number(update),
        remove: Number(remove),
        collection: typeof collection === 'string' ? collection : undefined,
        bytes: Number(bytes),
      },
    ]),
  )
}

/** Looks for what was changed and that no verb has said. `tables` are those in which it could not be looked for. */
export async function findUnreported(
  runtime: ReadRuntime,
  counted: { readonly before: Counts; readonly after: Counts },
  writes: readonly Write[],
): Promise<{ readonly found: readonly UnreportedChanges[]; readonly tables: readonly string[] }> {
  const found: UnreportedChanges[] = []
  const tables: string[] = []
  for (const [table, after] of counted.after) {
    const { collection, bytes } = after
    const more = (operation: 'create' | 'update' | 'remove') => {
      const listed = writes.filter(([op, name]) => op === operation && name === collection).length
      return after[operation] - (counted.before.get(table)?.[operation] ?? 0) - listed > 0
    }
    const [isWritten, isRemoved] = [more('create') || more('update'), more('remove')]
    if (!isWritten && !isRemoved) continue
    const entry = collection === undefined ? undefined : runtime.catalog.get(collection)
    const unreported = entry && bytes <= MAX_TABLE_BYTES && (await lookInto(runtime, entry, isRemoved))
    if (unreported) found.push(unreported)
    else tables.push(table)
  }
  return { found, tables }
}

/** The ids of all records; undefined where there are too many. */
export async function readIds(
  runtime: ReadRuntime,
  entry: CatalogEntry,
): Promise<readonly string[] | undefined> {
  const { recordId } = systemColumns(entry)
  const { rows } = await runtime.execute(
    sql`select ${recordId} from ${entry.table} order by ${recordId} limit ${MAX_IDS + 1}::int`,
  )
  return rows.length > MAX_IDS ? undefined : rows.map(([id]) => String(id))
}

async function lookInto(
  runtime: ReadRuntime,
  entry: CatalogEntry,
  isRemoved: boolean,
): Promise<UnreportedChanges | undefined> {
  const { recordId } = systemColumns(entry)
  const left = isRemoved ? await readIds(runtime, entry) : undefined
  if (isRemoved && left === undefined) return undefined
  // What this transaction sees of transactions that are not older than it is its own.
  const { rows } = await runtime.execute(sql`
    select ${recordId} from ${entry.table}
    where age(${sql.identifier(entry.name)}.xmin) <= age(pg_current_xact_id()::xid)
    order by ${recordId} limit ${MAX_IDS + 1}::int`)
  if (rows.length > MAX_IDS) return undefined
  return { entry, written: rows.map(([id]) => String(id)), left: left && new Set(left) }
}
