import { type SQL, sql } from 'drizzle-orm'
import type { MutateActionData } from '../core/record.ts'
import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { bindTo, changes, checkData, identifier, setClause, systemColumns } from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { checkRecordId, notFound, Problems, quote } from './problems.ts'
import { StatementCache, type StatementParts, statementParts } from './statement-cache.ts'
import type { WriteRuntime } from './tool-runtime.ts'

const MAX_VERSION = 2_147_483_647

export interface UpdateOptions {
  /** Writes only while the record still has this version. */
  readonly ifVersion?: number
}

const updates = new StatementCache((entry, { list, recordId, now }) => {
  const { recordId: id } = systemColumns(entry)
  return sql`update ${entry.table} set ${setClause(entry, list, now)}
    where ${id} = ${recordId} returning ${identifier(id)}`
})

/** Writes an update that answers a row for a record that exists: whether it was written, and its version before. */
function updateOfVersion(
  entry: CatalogEntry,
  { list, recordId, now }: StatementParts,
  ifVersion: number,
): SQL {
  const { recordId: id, version } = systemColumns(entry)
  const target = sql`${id} = ${recordId}`
  return sql`
    with _written as (
      update ${entry.table} set ${setClause(entry, list, now)}
      where ${target} and ${version} = ${bindTo(version, ifVersion)} returning 1)
    select (select count(*)::int from _written), ${version} from ${entry.table} where ${target}`
}

/** Patches an existing record; never creates one. */
export async function update(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  recordId: string,
  patch: unknown,
  options: UpdateOptions = {},
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const given = checkData(entry, patch, problems, { argument: 'patch' })
  if (problems.count === 0 && Object.keys(given).length === 0)
    problems.add(['patch'], 'must name at least one field')
  const ifVersion = checkUpdateOptions(options, problems)
  const failure = problems.failure()
  if (failure) return failure

  const written = { list: changes(entry, given), recordId, now: runtime.now }
  if (ifVersion === undefined) {
    const answer = await runtime.run(updates.of(entry, written))
    if (answer.rows.length === 0) return notFound(entry, recordId)
  } else {
    const [row] = (await runtime.execute(updateOfVersion(entry, statementParts(entry, written), ifVersion)))
      .rows
    if (!row) return notFound(entry, recordId)
    if (row[0] === 0) return staleVersion(entry, recordId, ifVersion)
  }
  runtime.wrote('update', entry, recordId)
  return ok({ recordId })
}

export function staleVersion(entry: CatalogEntry, recordId: string, ifVersion: number | undefined): Failure {
  return fail(
    'CONFLICT',
    `Record ${quote(recordId)} of ${quote(entry.name)} is not at version ${ifVersion}; read it again.`,
  )
}

/** Returns the version that a record must still have, if the options name one. */
export function checkUpdateOptions(options: unknown, problems: Problems): number | undefined {
  if (typeof options !== 'object' || options === null || Array.isArray(options))
    return problems.add(['options'], 'must be an object')
  for (const key of Object.keys(options)) {
    if (key !== 'ifVersion') problems.add([key], 'is no option; the option is ifVersion')
  }
  const { ifVersion }: { readonly ifVersion?: unknown } = options
  if (ifVersion === undefined) return undefined
  if (
    typeof ifVersion === 'number' &&
    Number.isInteger(ifVersion) &&
    ifVersion >= 1 &&
    ifVersion <= MAX_VERSION
  )
    return ifVersion
  return problems.add(['ifVersion'], `must be a whole number from 1 to ${MAX_VERSION}`)
}
