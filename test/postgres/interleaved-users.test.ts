import { afterAll, beforeAll, expect, it } from 'vitest'
import { createClient, unwrap } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

const CONNECTIONS = 32
const ROUNDS = 12
let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp({ pool: { max: CONNECTIONS } })
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const startsAt = new Date('2030-01-01T18:00:00Z')

it('users who are interleaved never see what is not theirs', async () => {
  const users = ['ada', 'bob']
  const clients = await Promise.all(
    users.map(async (user) => createClient<FixtureRouter>({ url, token: await app.token(user) })),
  )
  const secretOf = (user: string, at: number) => `${user}-${at}`
  let calls = 0
  const workers = Array.from({ length: CONNECTIONS }, async (_nothing, worker) => {
    const who = worker % 2
    const [user, other] = [users[who] ?? '', users[1 - who] ?? '']
    const [mine, theirs] = [clients[who], clients[1 - who]]
    if (!mine || !theirs) throw new Error('Nobody is there')
    for (let round = 0; round < ROUNDS; round += 1) {
      const title = secretOf(user, worker * ROUNDS + round)
      const { recordId } = unwrap(
        await mine.records.events.create.mutate({ data: { title, startsAt, capacity: 1 } }),
      )
      const [page, own, foreign, updated, count] = await Promise.all([
        mine.records.events.list.query({ limit: 1_000 }),
        mine.records.events.get.query({ recordId }),
        theirs.records.events.get.query({ recordId }),
        theirs.records.events.update.mutate({ recordId, patch: { title: 'stolen' } }),
        mine.records.events.count.query({ where: { title: { startsWith: other } } }),
      ])
      for (const record of unwrap(page).records) {
        expect(record.createdBy).toBe(user)
        expect(record.data.title.startsWith(`${user}-`)).toBe(true)
      }
      expect(unwrap(own).record.data.title).toBe(title)
      expect([foreign, updated]).toMatchObject([{ code: 'NOT_FOUND' }, { code: 'NOT_FOUND' }])
      expect(unwrap(count).count).toBe(0)
      calls += 6
    }
  })
  await Promise.all(workers)
  expect(calls).toBe(CONNECTIONS * ROUNDS * 6)
})
