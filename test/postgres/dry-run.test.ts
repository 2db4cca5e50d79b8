import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openRehearsal, type Rehearsal } from '../invocation/dry-run-app.ts'

let app: Rehearsal
beforeAll(async () => {
  app = await openRehearsal()
})
afterAll(() => app[Symbol.asyncDispose]())

it('a dry run that meets a conflict is run again, and shows the record as the other call has left it', async () => {
  await app.run((ctx) => ctx.tools.create('vaults', { content: 'first' }, 'contended'))
  const report = await app.rehearse(async (ctx) => {
    const vault = await ctx.tools.get('vaults', 'contended')
    if (!vault.success) return vault
    if (ctx.attempt === 1)
      await app.change("update vaults set content = 'second' where record_id = 'contended'")
    return ctx.tools.update('vaults', 'contended', { content: `${vault.data.record.data.content}, third` })
  })
  expect(report).toMatchObject({
    outcome: 'would commit',
    attempts: 2,
    writes: [{ before: { content: 'second' }, after: { content: 'second, third' } }],
  })
})

it('a dry run holds nothing up once it is answered', async () => {
  await app.run((ctx) => ctx.tools.create('vaults', { content: 'first' }, 'held'))
  for (let nth = 0; nth < 20; nth += 1)
    await app.rehearse((ctx) => ctx.tools.update('vaults', 'held', { content: 'dry' }))
  await app.change("set lock_timeout = '1s'; update vaults set content = 'real' where record_id = 'held'")
  expect(await app.rows("select content from vaults where record_id = 'held'")).toEqual([['real']])
  const idle =
    "select count(*)::int from pg_stat_activity where datname = current_database() and state like 'idle in%'"
  expect(await app.rows(idle)).toEqual([[0]])
})

it('dry runs beside each other and beside real calls see what is committed alone', async () => {
  await app.run((ctx) => ctx.tools.create('shelves', { count: 0 }, 'busy'))
  const reports = await Promise.all(
    Array.from({ length: 30 }, async (_, nth) => {
      if (nth % 3 === 0)
        return app.run((ctx) => ctx.tools.increment('shelves', 'busy', { count: 1 })).then(() => [])
      const { writes } = await app.rehearse(async (ctx) => {
        const counted = await ctx.tools.increment('shelves', 'busy', { count: 100 })
        return counted.success ? ok(null) : counted
      })
      return writes
    }),
  )
  const seen = reports.flat().map(({ before, after }) => Number(after?.count) - Number(before?.count))
  expect(seen).toEqual(Array(20).fill(100))
  expect(await app.rows("select count from shelves where record_id = 'busy'")).toEqual([[10]])
})
