// Tells a caller what their call wrote. The trust rule: of a record nothing is told, not even that there is one, unless the
// access rules let this caller read it after the call, with the role of that moment, or did right before it was written.

import { type SQL, sql } from 'drizzle-orm'
import { Caller } from '../records/caller.ts'
import { toSql } from '../records/compile-rule.ts'
import { systemColumns } from '../tools/assignments.ts'
import type { CatalogEntry } from '../tools/catalog.ts'
import type { ReadRuntime } from '../tools/tool-runtime.ts'
import { among } from './dry-run/images.ts'
import type { Engine } from './engine.ts'
import type { RecordedCall } from './invocation-record.ts'
import type { SeenBefore } from './seen-before.ts'
import type { Write } from './writes.ts'

/** Stands for whatever there may be. */
const ANYTHING = '*'

/** Of a collection with more written records than this, the name alone is told. */
const MAX_NOTICED_RECORDS = 10
/** What one call may add to an answer's headers. */
const MAX_NOTICE_CHARACTERS = 256

export type NoticeEngine = Pick<Engine, 'policies' | 'ownerUserId' | 'roleClaim' | 'roles'>

interface Written {
  readonly entry: CatalogEntry
  /** Whether each record is still there, as far as the call knows. */
  readonly records: ReadonlyMap<string, boolean>
}

/**
 * Says what of a call's writes its caller may know, as `formatNotice` writes it; `''` for nothing. A call that was answered
 * as before, or that has run the app's own SQL, may have written anything, and `*` tells no more than that.
 *
 * Never throws: the call has committed. Where the rules cannot be asked, anything may have been written.
 */
export async function noticeOf(
  engine: NoticeEngine,
  runtime: ReadRuntime,
  { invocation, record }: RecordedCall,
): Promise<string> {
  if (record.isReplay) return ANYTHING
  const { committed } = record
  if (!committed || committed.writes.length === 0) return ''
  if (committed.writes.some(([operation]) => operation === 'sql')) return ANYTHING
  const written = byCollection(runtime, committed.writes)
  try {
    const caller = new Caller(runtime, invocation.actor, engine)
    const told = seenBefore(written, committed.before)
    for (const [collection, recordId] of await readableNow(runtime, caller, written))
      addTo(told, collection, recordId)
    return formatNotice(told)
  } catch (error) {
    invocation.log.warn({ err: error }, 'What a call wrote could not be told')
    return ANYTHING
  }
}

function byCollection({ catalog }: ReadRuntime, writes: readonly Write[]): readonly Written[] {
  const written = new Map<string, Map<string, boolean>>()
  for (const [operation, collection, recordId] of writes) {
    const records = written.get(collection) ?? new Map<string, boolean>()
    records.set(recordId, operation !== 'remove')
    written.set(collection, records)
  }
  return [...written].flatMap(([collection, records]) => {
    const entry = catalog.get(collection)
    return entry ? [{ entry, records }] : []
  })
}

function seenBefore(written: readonly Written[], before: SeenBefore): Map<string, Set<string>> {
  const told = new Map<string, Set<string>>()
  for (const { entry, records } of written)
    for (const recordId of records.keys())
      if (before.has(entry.name, recordId)) addTo(told, entry.name, recordId)
  return told
}

function addTo(told: Map<string, Set<string>>, collection: string, recordId: string): void {
  const ids = told.get(collection) ?? new Set()
  ids.add(recordId)
  told.set(collection, ids)
}

/** Reads which of the records the caller may read as they are now, in one statement: of each collection so many as count. */
async function readableNow(
  runtime: ReadRuntime,
  caller: Caller,
  written: readonly Written[],
): Promise<readonly (readonly [collection: string, recordId: string])[]> {
  const actor = await caller.ruleActor()
  const parts = written.flatMap(({ entry, records }): readonly SQL[] => {
    const permission = caller.policies.get(entry.name)?.for(actor)
    const there = [...records].filter(([, isThere]) => isThere).map(([recordId]) => recordId)
    if (!permission?.allowsSome('read') || there.length === 0) return []
    const { recordId } = systemColumns(entry)
    return [
      sql`(select ${entry.name}::text, ${recordId} from ${entry.table}
        where ${among(entry, there)} and ${toSql(permission.condition('read'))}
        limit ${MAX_NOTICED_RECORDS + 1})`,
    ]
  })
  if (parts.length === 0) return []
  const { rows } = await runtime.execute(sql.join(parts, sql` union all `))
  return rows.map(([collection, recordId]) => [String(collection), String(recordId)] as const)
}

/**
 * Formats what a call wrote, by collection: `events/1 events/2 notes`, each part encoded as in an address. Where that is
 * too long the collections are named alone, and where there are too many of them it is `*`.
 */
function formatNotice(written: ReadonlyMap<string, ReadonlySet<string>>): string {
  const names = [...written.keys()].map(encodeURIComponent)
  const whole = [...written].flatMap(([collection, ids]) => {
    const name = encodeURIComponent(collection)
    if (ids.size > MAX_NOTICED_RECORDS) return [name]
    return [...ids].map((id) => `${name}/${encodeURIComponent(id)}`)
  })
  // Sorted: the order in which the call wrote is nobody's business.
  const fitting = [whole, names].map((parts) => parts.sort().join(' ')).find(isShort)
  return fitting ?? ANYTHING
}

function isShort(notice: string): boolean {
  return notice.length <= MAX_NOTICE_CHARACTERS
}
