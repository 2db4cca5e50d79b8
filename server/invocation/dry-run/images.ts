import { type SQL, sql } from 'drizzle-orm'
import type { RecordEnvelope } from '../../core/record.ts'
import { systemColumns } from '../../tools/assignments.ts'
import type { CatalogEntry } from '../../tools/catalog.ts'
import { MAX_PAGE_BYTES, recordSize } from '../../tools/sizes.ts'
import type { ReadRuntime } from '../../tools/tool-runtime.ts'
import type { VisibleRecords } from '../../tools/visible-records.ts'

/** What a record holds at one moment, by the names of its fields, the system's among them. */
export type RecordFields = Readonly<Record<string, unknown>>

/** Records as they are at one moment; null for those that there was no room for. */
export type Images = ReadonlyMap<string, RecordFields | null>

const UNREADABLE = '[unreadable]'

/** What the records that are shown may hold together, so that a run that writes much can still be shown some of it. */
export class Room {
  #bytes = MAX_PAGE_BYTES

  /** Whether there was room for so many bytes more, which are taken then. */
  take(bytes: number): boolean {
    if (bytes > this.#bytes) return false
    this.#bytes -= bytes
    return true
  }
}

/** Reads those of the records that there are and that can be seen. What they hold is measured before it is read. */
export async function readImages(
  runtime: ReadRuntime,
  { entry, within }: VisibleRecords,
  ids: readonly string[],
  room: Room,
): Promise<Images> {
  const { recordId } = systemColumns(entry)
  const sizes = await runtime.execute(
    sql`select ${recordId}, ${recordSize(entry)} from ${entry.table} where ${among(entry, ids)} and ${within}`,
  )
  const images = new Map<string, RecordFields | null>(sizes.rows.map(([id]) => [String(id), null]))
  const fitting = sizes.rows.filter(([, bytes]) => room.take(Number(bytes))).map(([id]) => String(id))
  if (fitting.length === 0) return images
  const { rows } = await runtime.execute(
    sql`select ${entry.selectList} from ${entry.table} where ${among(entry, fitting)} and ${within}`,
  )
  for (const row of rows) {
    const envelope = entry.toEnvelope(row)
    images.set(envelope.recordId, fieldsOf(envelope))
  }
  return images
}

/** Which of the records there are, without regard to who may see them. */
export async function readExisting(
  runtime: ReadRuntime,
  entry: CatalogEntry,
  ids: readonly string[],
): Promise<ReadonlySet<string>> {
  const { recordId } = systemColumns(entry)
  const { rows } = await runtime.execute(
    sql`select ${recordId} from ${entry.table} where ${among(entry, ids)}`,
  )
  return new Set(rows.map(([id]) => String(id)))
}

/** Writes the condition that a record is one of these. */
export function among(entry: CatalogEntry, ids: readonly string[]): SQL {
  const { recordId } = systemColumns(entry)
  return sql`${recordId} in (select jsonb_array_elements_text(${JSON.stringify(ids)}::text::jsonb))`
}

function fieldsOf({ recordId: _recordId, data, unreadable, ...system }: RecordEnvelope): RecordFields {
  const hidden = Object.fromEntries((unreadable ?? []).map((field) => [field, UNREADABLE]))
  return { ...data, ...system, ...hidden }
}
