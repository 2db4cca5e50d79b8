import { randomUUID } from 'node:crypto'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { Statement } from '../../server/db/database.ts'
import { SqlError } from '../../server/db/database.ts'
import { FailureSummaries, type FailureSummary } from '../../server/invocation/failure-summaries.ts'
import { WriteQueue } from '../../server/invocation/write-queue.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'

let opened: TestDatabase
beforeAll(async () => {
  opened = await openTestDatabase()
})
afterAll(() => opened[Symbol.asyncDispose]())

const summaryOf = (actor: string): FailureSummary => ({
  id: randomUUID(),
  at: '2030-01-01T18:00:00.000Z',
  actor,
  action: 'inviteAttendee',
  outcome: 'FORBIDDEN',
  duration_ms: 60_000,
  calls: 7,
})

/** Summaries of a database that refuses some of its first statements, with how many statements there were at once. */
function summariesOn(refuse: (statement: Statement) => unknown = () => undefined) {
  const counts = { statements: 0, running: 0, most: 0 }
  const lines: unknown[] = []
  const log = pino({ level: 'error' }, { write: (line: string) => lines.push(JSON.parse(line)) })
  const database = {
    async write(statement: Statement) {
      counts.statements += 1
      counts.running += 1
      counts.most = Math.max(counts.most, counts.running)
      try {
        const refused = refuse(statement)
        if (refused) throw refused
        return await opened.database.write(statement)
      } finally {
        counts.running -= 1
      }
    },
  }
  const auditRowQueue = new WriteQueue({ maxWaiting: 10 })
  return { summaries: new FailureSummaries({ database, auditRowQueue, log }), counts, lines }
}

async function rowsOf(action: string, prefix: string) {
  const { rows } = await opened.database.query({
    sql: `select actor, calls, outcome, request_id = id from deputy.audit_log
      where action = $1 and actor like $2 order by actor`,
    params: [action, `${prefix}%`],
  })
  return rows
}

it('thousands that end at once take a few statements, one after another', async () => {
  const prefix = randomUUID()
  const { summaries, counts } = summariesOn()
  for (let nth = 0; nth < 2_001; nth += 1) summaries.add(summaryOf(`${prefix} ${nth}`))
  await summaries.settle()
  expect(counts).toMatchObject({ statements: 5, most: 1 })
  const rows = await rowsOf('inviteAttendee', prefix)
  expect(rows).toHaveLength(2_001)
  expect(new Set(rows.map(([actor]) => actor)).size).toBe(2_001)
  expect(rows[0]?.slice(1)).toEqual([7, 'FORBIDDEN', true])
})

it('one that cannot be written is logged, and costs none of the others', async () => {
  const prefix = randomUUID()
  const { summaries, lines } = summariesOn(({ params }) =>
    String(params[0]).includes(`${prefix} bad`) ? new SqlError({ sqlstate: '22P05' }) : undefined,
  )
  for (const name of ['a', 'bad', 'c']) summaries.add(summaryOf(`${prefix} ${name}`))
  await summaries.settle()
  expect((await rowsOf('inviteAttendee', prefix)).map(([actor]) => actor)).toEqual([
    `${prefix} a`,
    `${prefix} c`,
  ])
  expect(lines).toHaveLength(1)
})

it('those that find the database away are written when it is back', async () => {
  const prefix = randomUUID()
  let isAway = true
  const { summaries, lines } = summariesOn(() => (isAway ? new SqlError({ sqlstate: '57P01' }) : undefined))
  summaries.add(summaryOf(`${prefix} a`))
  summaries.add(summaryOf(`${prefix} b`))
  await summaries.settle()
  expect(await rowsOf('inviteAttendee', prefix)).toEqual([])
  isAway = false
  await expect.poll(() => rowsOf('inviteAttendee', prefix)).toHaveLength(2)
  expect(lines).toEqual([])
})
