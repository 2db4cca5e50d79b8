import { createHash } from 'node:crypto'
import type postgres from 'postgres'
import { type Answer, refused } from './answer.ts'
import { serializable } from './transaction.ts'

export interface KeyedCall {
  readonly actor: string
  readonly action: string
  /** Without one the work is done as often as it is asked for. */
  readonly key: string | undefined
  readonly input: unknown
}

/** Thrown to roll back what another call with the same key has already done. */
class AnsweredMeanwhile extends Error {
  override readonly name = 'AnsweredMeanwhile'
}

/** Runs work in a transaction, once for each key: its answer is stored with what it wrote, and given again later. */
export async function once(
  sql: postgres.Sql,
  call: KeyedCall,
  work: (tx: postgres.TransactionSql) => Promise<Answer>,
): Promise<Answer> {
  const { actor, action, key, input } = call
  if (key === undefined) return serializable(sql, work)
  const hash = createHash('sha256').update(JSON.stringify(input)).digest('base64url')
  const stored = await findAnswer(sql, call, hash)
  if (stored) return stored
  try {
    return await serializable(sql, async (tx) => {
      const answer = await work(tx)
      if (answer.status !== 200) return answer
      const kept = await tx`
        insert into idempotency_keys (actor, action, key, input_hash, status, answer)
        values (${actor}, ${action}, ${key}, ${hash}, ${answer.status}, ${JSON.stringify(answer.body)})
        on conflict do nothing`
      if (kept.count === 0) throw new AnsweredMeanwhile()
      return answer
    })
  } catch (error) {
    const other = error instanceof AnsweredMeanwhile && (await findAnswer(sql, call, hash))
    if (other) return other
    throw error
  }
}

async function findAnswer(
  sql: postgres.Sql,
  { actor, action, key = '' }: KeyedCall,
  hash: string,
): Promise<Answer | undefined> {
  const [row] = await sql<{ input_hash: string; status: number; answer: string }[]>`
    select input_hash, status, answer from idempotency_keys
    where actor = ${actor} and action = ${action} and key = ${key}`
  if (!row) return undefined
  if (row.input_hash !== hash)
    return refused(422, 'UNPROCESSABLE_CONTENT', 'The key was used with another input.')
  return { status: row.status, body: JSON.parse(row.answer) }
}
