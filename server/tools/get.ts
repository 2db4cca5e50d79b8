import { type SQL, sql } from 'drizzle-orm'
import { type ActionResult, ok } from '../result.ts'
import { bindTo, systemColumns } from './data.ts'
import { KeptStatements } from './kept-statements.ts'
import { notFound } from './not-found.ts'
import { Problems } from './problems.ts'
import { everything, isEverything, type Reach } from './reach.ts'
import { checkRecordId } from './record-id.ts'
import type { ReadScope } from './scope.ts'
import type { Envelope } from './types.ts'

const selections = new KeptStatements((entry, { recordId }) => select(everything(entry), recordId))

function select({ entry, within }: Reach, recordId: SQL): SQL {
  const { recordId: id } = systemColumns(entry)
  return sql`select ${entry.selectList} from ${entry.table} where ${id} = ${recordId} and ${within}`
}

/** Reads one record. */
export async function get(
  scope: ReadScope,
  reach: Reach,
  recordId: string,
): Promise<ActionResult<{ record: Envelope }>> {
  const problems = new Problems()
  checkRecordId(recordId, problems)
  const failure = problems.failure()
  if (failure) return failure
  const { entry } = reach
  const answer = isEverything(reach)
    ? await scope.run(selections.of(entry, { recordId }))
    : await scope.execute(select(reach, bindTo(systemColumns(entry).recordId, recordId)))
  const [row] = answer.rows
  return row ? ok({ record: entry.toEnvelope(row) }) : notFound(entry, recordId)
}
