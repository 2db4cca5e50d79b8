import { eq } from 'drizzle-orm'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import { livePage, liveRecord } from '../../server/live/records-query.ts'
import { DirectReads } from '../../server/trpc/run-as-caller.ts'
import { users } from '../fixture/collections.ts'
import { ownerAction } from '../fixture/deputy.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'
import { readStream } from './read-stream.ts'

/** What the rule of `papers` says, and may say otherwise the next time that it is asked. */
let rule: 'own' | 'all' | 'fails' = 'own'

const papers = collection(
  'papers',
  { body: text().notNull() },
  {
    access: {
      '*': {
        read: ({ userId }, paper) => {
          if (rule === 'fails') throw new Error('The rule has failed')
          return rule === 'all' || (userId !== null && eq(paper.createdBy, userId))
        },
      },
    },
  },
)
const collections = { users, papers }
const TABLE = `create table papers (record_id text primary key, created_by text, created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null, version int not null default 1, body text not null)`

const paper = z.strictObject({ by: z.string(), body: z.string() })
const actions = {
  file: ownerAction
    .input(paper)
    .mutation(({ ctx, input: { by, body } }) =>
      ctx.tools.create('papers' as 'events', { body, createdBy: by } as never),
    ),
}

describe('a rule that is a function', () => {
  let app: Awaited<ReturnType<typeof open>>
  const open = () =>
    createTestApp<typeof actions, typeof collections>({
      actions,
      collections,
      livePace: { roundEveryMs: 10 },
    })
  beforeAll(async () => {
    app = await open()
    await execute(app.database, app.databaseUrl, TABLE)
    await execute(
      app.database,
      app.databaseUrl,
      `insert into papers values ('of-ann', 'ann', now(), now(), 1, 'by ann'), ('of-bob', 'bob', now(), now(), 1, 'by bob')`,
    )
  })
  afterAll(() => app[Symbol.asyncDispose]())
  afterEach(() => {
    rule = 'own'
  })

  it.each([
    ['own', 'all', ['of-ann']],
    ['all', 'own', ['of-ann', 'of-bob']],
  ] as const)('said %s when a run was planned, and says %s when it reads', async (then, now, ids) => {
    const policy = app.engine.policies.get('papers')
    if (!policy) throw new Error('There is no such collection')
    const reads = new DirectReads(app.engine, 'test')
    const ann = { userId: 'ann', role: 'member', isOwner: false }
    const page = livePage(policy, { orderBy: 'recordId', orderDir: 'asc' })
    if ('success' in page) throw new Error(page.error)
    const record = liveRecord(policy, 'of-bob')
    rule = then
    const plans = [page.planFor(ann), record.planFor(ann)] as const
    rule = now
    const shown = await plans[0].run(reads)
    expect(shown).toMatchObject({ data: { records: ids.map((recordId) => ({ recordId })) } })
    const seen = await plans[1].run(reads)
    expect(seen).toMatchObject({ data: { record: then === 'all' ? { recordId: 'of-bob' } : null } })
  })

  it('fails, and is asked again until it does not', async () => {
    const url = await app.listen()
    const stream = await readStream(`${url}/api/records/papers`, { token: await app.token('ann') })
    await stream.until(({ answers }) => answers.length === 1)
    rule = 'fails'
    app.live.changed('all')
    await vi.waitFor(() =>
      expect(app.logged).toContainEqual(
        expect.objectContaining({ msg: 'A live query failed with an unexpected error' }),
      ),
    )
    rule = 'all'
    await stream.until(({ last }) => last?.count === 2)
    stream.close()
  })
})
