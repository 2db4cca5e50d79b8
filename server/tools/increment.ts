import { sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../result.ts'
import type { CatalogEntry } from './catalog.ts'
import { type Binding, checkData, identifier, setClause, systemColumns } from './data.ts'
import { KeptStatements } from './kept-statements.ts'
import { notFound } from './not-found.ts'
import { Problems } from './problems.ts'
import { checkRecordId } from './record-id.ts'
import type { ToolScope } from './scope.ts'
import type { MutateActionData } from './types.ts'

const additions = new KeptStatements((entry, { list, recordId, now }) => {
  const { recordId: id } = systemColumns(entry)
  const sums = list.map(({ column, value }) => ({ column, value: sql`coalesce(${column}, 0) + ${value}` }))
  return sql`
    update ${entry.table} set ${setClause(entry, sums, now)}
    where ${id} = ${recordId} returning ${identifier(id)}`
})

/** Adds to numeric fields in SQL, so that no read is needed before; an empty field counts as 0. */
export async function increment(
  scope: ToolScope,
  entry: CatalogEntry,
  recordId: string,
  amounts: unknown,
): Promise<ActionResult<MutateActionData>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const list = checkAmounts(entry, amounts, problems)
  const failure = problems.failure()
  if (failure) return failure
  const answer = await scope.run(additions.of(entry, { list, recordId, now: scope.now }))
  if (answer.rows.length === 0) return notFound(entry, recordId)
  scope.wrote('update', entry, recordId)
  return ok({ recordId })
}

/** An amount may be negative where the field may not, so it is checked as a number, not by the field's schema. */
function checkAmounts(entry: CatalogEntry, amounts: unknown, problems: Problems): Binding[] {
  if (typeof amounts !== 'object' || amounts === null || Object.keys(amounts).length === 0) {
    problems.add(['amounts'], 'must name at least one field and what to add to it')
    return []
  }
  const list: Binding[] = []
  for (const [field, amount] of Object.entries(amounts)) {
    const column = entry.columns.get(field)
    if (!column || !entry.fields.includes(field) || entry.managed.has(field)) {
      checkData(entry, { [field]: amount }, problems, { argument: 'amounts' })
    } else if (column.dataType !== 'number' && column.dataType !== 'bigint') {
      problems.add(['amounts', field], 'is no numeric field')
    } else if (!isAmount(amount, /real|double|numeric/.test(column.getSQLType()))) {
      problems.add(['amounts', field], 'must be a number that the field can hold exactly')
    } else list.push({ column, value: amount })
  }
  return list
}

function isAmount(amount: unknown, fractional: boolean): amount is number | bigint {
  if (typeof amount === 'bigint') return true
  return typeof amount === 'number' && (fractional ? Number.isFinite(amount) : Number.isSafeInteger(amount))
}
