import { type SQL, sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { describeColumn, isWrittenByDatabase } from '../../drizzle/engine/column-types/describe-column.ts'
import type { MutateActionData } from '../core/record.ts'
import { type ActionResult, ok } from '../core/result.ts'
import { toldOf } from '../wire/issues.ts'
import {
  type Assignment,
  type Binding,
  bound,
  changes,
  checkData,
  identifier,
  setClause,
  systemColumns,
} from './assignments.ts'
import type { CatalogEntry } from './catalog.ts'
import { checkRecordId, notFound, Problems } from './problems.ts'
import { StatementCache, type StatementValues, statementParts } from './statement-cache.ts'
import type { WriteRuntime } from './tool-runtime.ts'

/** The range of `bigint` beyond ±(2^53 - 1). */
const ABOVE_SAFE = sql`9214364837600034816`
const BELOW_SAFE = sql`9214364837600034817`

const additions = new StatementCache((entry, { list, recordId, now }) =>
  addition(entry, list, [], recordId, now),
)

function addition(
  entry: CatalogEntry,
  amounts: readonly Assignment[],
  others: readonly Assignment[],
  recordId: SQL,
  now: SQL,
): SQL {
  const { recordId: id } = systemColumns(entry)
  const sums = amounts.map(({ column, value }) => ({ column, value: sum(column, value) }))
  return sql`
    update ${entry.table} set ${setClause(entry, [...sums, ...others], now)}
    where ${id} = ${recordId} returning ${identifier(id)}`
}

/** Adds, and lets a sum beyond ±(2^53 - 1) overflow in the database, which reports that it is out of range. */
function sum(column: PgColumn, amount: SQL): SQL {
  const plain = sql`coalesce(${column}, 0) + ${amount}`
  const type = describeColumn(column)
  if ('refused' in type || !type.incrementing?.staysSafe) return plain
  return sql`${plain} + ${ABOVE_SAFE} - ${ABOVE_SAFE} - ${BELOW_SAFE} + ${BELOW_SAFE}`
}

/** Adds to numeric fields in SQL, so that no read is needed before; an empty field counts as 0. */
export async function increment(
  runtime: WriteRuntime,
  entry: CatalogEntry,
  recordId: string,
  amounts: unknown,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const list = checkAmounts(entry, amounts, problems)
  const failure = problems.failure()
  if (failure) return failure
  const others = changes(entry, {}).filter((change) => list.every(({ column }) => column !== change.column))
  const given = { list, recordId, now: runtime.now }
  const answer =
    others.length === 0
      ? await runtime.run(additions.of(entry, given))
      : await runtime.execute(withOthers(entry, given, others))
  if (answer.rows.length === 0) return notFound(entry, recordId)
  runtime.wrote('update', entry, recordId)
  return ok({ recordId })
}

/** Adds the values that Drizzle sets on every update. */
function withOthers(entry: CatalogEntry, given: StatementValues, others: readonly Binding[]): SQL {
  const { list, recordId, now } = statementParts(entry, given)
  return addition(entry, list, bound(others), recordId, now)
}

/** Checks amounts as numbers, not by the field's schema: an amount may be negative where the field may not. */
function checkAmounts(entry: CatalogEntry, amounts: unknown, problems: Problems): Binding[] {
  const given = typeof amounts === 'object' && amounts !== null ? Object.entries(amounts) : []
  const named = given.filter(([, amount]) => amount !== undefined)
  if (named.length === 0) problems.add(['amounts'], 'must name at least one field and what to add to it')
  const list: Binding[] = []
  for (const [field, amount] of named) {
    const column = entry.columns.get(field)
    if (!column || !entry.fields.includes(field) || entry.managed.has(field)) {
      checkData(entry, { [field]: amount }, problems, { argument: 'amounts' })
    } else {
      const incrementing = isWrittenByDatabase(column) ? undefined : entry.types.get(field)?.incrementing
      if (!incrementing) {
        problems.add(['amounts', field], 'is no numeric field that can be added to')
        continue
      }
      const parsed = incrementing.amount.safeParse(amount)
      if (parsed.success) list.push({ column, value: amount })
      else {
        const [issue] = parsed.error.issues
        const { message, ...told } = issue ? toldOf(issue) : { message: 'is no amount' }
        problems.add(['amounts', field], message, told)
      }
    }
  }
  return list
}
