import { sql } from 'drizzle-orm'
import type { LivePage, RecordEnvelope } from '../core/record.ts'
import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { toStatement } from '../db/statement.ts'
import { getAsCaller } from '../records/access-query.ts'
import { collectionsRead } from '../records/as-caller.ts'
import type { Permission, Policy } from '../records/policy.ts'
import { deniedToRole } from '../records/refusals.ts'
import { query } from '../tools/query.ts'
import type { ReadToolRuntime } from '../tools/tool-runtime.ts'
import { canonicalJson } from '../wire/to-json.ts'
import type { LivePlan, LiveQuery } from './live-query.ts'

/** The most records of a live page, and how many it has where no limit is given. */
const MAX_LIVE_PAGE = 200

/** The options that a live page takes; a page that moves on by a cursor would not be the newest one. */
const OPTIONS: readonly string[] = ['where', 'orderBy', 'orderDir', 'limit']

/** A query of a page of records that a caller may read. @returns a failure for options that no page has */
export function livePage(policy: Policy, options: unknown = {}): LiveQuery | Failure {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return wrong([], 'The options of a live query must be an object.')
  for (const name of Object.keys(options))
    if (!OPTIONS.includes(name))
      return wrong([name], `${name}: is no option of a live query; options are ${OPTIONS.join(', ')}`)
  const { limit = MAX_LIVE_PAGE }: { readonly limit?: unknown } = options
  if (typeof limit !== 'number' || !Number.isSafeInteger(limit) || limit < 1 || limit > MAX_LIVE_PAGE)
    return wrong(['limit'], `limit: must be a whole number from 1 to ${MAX_LIVE_PAGE}`)
  return recordsQuery(policy, canonicalJson({ ...options, limit }), async (reads, { visible }) => {
    const page = await query(reads, visible, { ...options, limit })
    if (!page.success) return page
    const { records, count, nextCursor } = page.data
    // A cursor belongs to one reader, and a page may go to several.
    return ok<LivePage<RecordEnvelope>>({ records, count, hasMore: nextCursor !== null })
  })
}

/** A query of one record: null where there is none that the caller may read. */
export function liveRecord(policy: Policy, recordId: string): LiveQuery {
  return recordsQuery(policy, canonicalJson(recordId), async (reads, permission) => {
    const found = await getAsCaller(reads, permission, recordId)
    return !found.success && found.code === 'NOT_FOUND' ? ok({ record: null }) : found
  })
}

function wrong(path: readonly string[], message: string): Failure {
  return fail('BAD_REQUEST', message, {
    issues: [{ path, message, code: 'invalid_argument', params: {} }],
  })
}

function recordsQuery(
  policy: Policy,
  name: string,
  read: (reads: ReadToolRuntime, permission: Permission) => Promise<ActionResult<unknown>>,
): LiveQuery {
  return { planFor: (actor) => planOf(policy.for(actor).withFixedRead(), name, read) }
}

function planOf(
  permission: Permission,
  name: string,
  read: (reads: ReadToolRuntime, permission: Permission) => Promise<ActionResult<unknown>>,
): LivePlan {
  const collections = collectionsRead(permission)
  const { text, values } = conditionOf(permission)
  const fields = [...permission.view.readable.columns.keys()]
  return {
    key: `${permission.entry.name} ${name} ${JSON.stringify(fields)} ${text} ${values}`,
    // A function decides anew each time, by whatever its condition reads.
    isVolatile: collections === 'all',
    reads: collections,
    run: (reads) =>
      reads.call({ tool: 'live' }, async () =>
        permission.allowsSome('read') ? read(reads, permission) : deniedToRole(permission, 'read'),
      ),
  }
}

/** The condition of what the caller may read, with its values. */
function conditionOf(permission: Permission) {
  if (!permission.allowsSome('read')) return { text: 'nothing', values: '' }
  const { sql: text, params } = toStatement(sql`${permission.visible.within}`)
  return { text, values: canonicalJson(params) }
}
