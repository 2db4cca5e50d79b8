import { isDeepStrictEqual } from 'node:util'
import { collectionDefinition } from '../../../drizzle/engine/collection.ts'
import type { CatalogEntry } from '../../tools/catalog.ts'
import type { ReadRuntime } from '../../tools/tool-runtime.ts'
import type { VisibleRecords } from '../../tools/visible-records.ts'
import { SECRET } from '../../wire/redact.ts'
import type { Write } from '../writes.ts'
import { type Images, type RecordFields, Room, readExisting, readImages } from './images.ts'
import { type Counts, findUnreported, readCounts, readIds } from './unreported-changes.ts'

/** More records than this are not looked at. */
const MAX_RECORDS = 1_000

/** What would become of one record. */
export interface DryRunWrite {
  readonly operation: 'create' | 'update' | 'remove'
  readonly collection: string
  readonly recordId: string
  /** Its fields as they are: of an update those that would change. Null for a record that would be created. */
  readonly before: RecordFields | null
  /** The same as they would be; null for a record that would be removed. */
  readonly after: RecordFields | null
}

/** What a run has written, as it would be shown. */
export interface SeenWrites {
  readonly writes: readonly DryRunWrite[]
  /** Whether these are all. */
  readonly isComplete: boolean
  /** Tables in which more was written that could not be listed. */
  readonly tables: readonly string[]
}

export interface ReadWritesOptions {
  /** What the verbs have said. */
  readonly writes: readonly Write[]
  /** What the database had counted before the first of them. */
  readonly counts: Counts
  /** What is shown of a collection; undefined where nothing is. */
  shown(entry: CatalogEntry): VisibleRecords | undefined
  /** Takes back all that was written. */
  undo(): Promise<void>
}

interface Looked {
  readonly visible: VisibleRecords
  readonly ids: readonly string[]
  readonly after: Images
}

/** Nothing was written. */
export const NO_WRITES: SeenWrites = { writes: [], isComplete: true, tables: [] }

/**
 * Reads the records that a run has written as they are now, takes the run back and reads them as they were: both with
 * the eyes of its one snapshot. So whatever wrote them, a verb, a trigger or a cascade, need not know of it.
 */
export async function readWrites(runtime: ReadRuntime, options: ReadWritesOptions): Promise<SeenWrites> {
  const counted = { before: options.counts, after: await readCounts(runtime) }
  const { found, tables } = await findUnreported(runtime, counted, options.writes)
  const touched = idsByCollection(options.writes)
  for (const { entry, written } of found) {
    const ids = touched.get(entry.name) ?? new Set()
    for (const id of written) ids.add(id)
    touched.set(entry.name, ids)
  }
  let isComplete = true
  const rooms = { after: new Room(), before: new Room() }
  const looked: Looked[] = []
  for (const [collection, ids] of touched) {
    const entry = runtime.catalog.get(collection)
    const visible = entry && options.shown(entry)
    if (!visible) continue
    const some = [...ids].slice(0, MAX_RECORDS)
    isComplete &&= some.length === ids.size
    looked.push({ visible, ids: some, after: await readImages(runtime, visible, some, rooms.after) })
  }
  await options.undo()
  const writes: DryRunWrite[] = []
  for (const { visible, ids, after } of looked) {
    const { entry } = visible
    const left = found.find((unreported) => unreported.entry.name === entry.name)?.left
    const gone = left ? ((await readIds(runtime, entry)) ?? []).filter((id) => !left.has(id)) : []
    const all = [...new Set([...ids, ...gone])].slice(0, MAX_RECORDS)
    const before = await readImages(runtime, visible, all, rooms.before)
    const existing = visible.seesAll ? before : await readExisting(runtime, entry, all)
    for (const recordId of all) {
      const images = { before: before.get(recordId), after: after.get(recordId) }
      if (images.before === null || images.after === null) isComplete = false
      // A record that could not be seen is not shown for what it would become.
      else if (images.before || !existing.has(recordId))
        writes.push(...difference(entry, recordId, images.before, images.after))
    }
  }
  return { writes, isComplete: isComplete && tables.length === 0, tables }
}

function idsByCollection(writes: readonly Write[]): Map<string, Set<string>> {
  const touched = new Map<string, Set<string>>()
  for (const [, collection, recordId] of writes) {
    const ids = touched.get(collection) ?? new Set()
    ids.add(recordId)
    touched.set(collection, ids)
  }
  return touched
}

function difference(
  entry: CatalogEntry,
  recordId: string,
  before: RecordFields | undefined,
  after: RecordFields | undefined,
): DryRunWrite[] {
  const collection = entry.name
  const shown = (fields: RecordFields) => withoutSecrets(entry, fields)
  if (!before)
    return after ? [{ operation: 'create', collection, recordId, before: null, after: shown(after) }] : []
  if (!after) return [{ operation: 'remove', collection, recordId, before: shown(before), after: null }]
  const changed = Object.keys(after).filter((field) => !isDeepStrictEqual(before[field], after[field]))
  if (changed.length === 0) return []
  const only = (fields: RecordFields) =>
    shown(Object.fromEntries(changed.map((field) => [field, fields[field]])))
  return [{ operation: 'update', collection, recordId, before: only(before), after: only(after) }]
}

function withoutSecrets(entry: CatalogEntry, fields: RecordFields): RecordFields {
  const secret = new Set(collectionDefinition(entry.table)?.secretFields ?? [])
  if (secret.size === 0) return fields
  return Object.fromEntries(
    Object.entries(fields).map(([field, value]) => [
      field,
      secret.has(field) && value !== null ? SECRET : value,
    ]),
  )
}
