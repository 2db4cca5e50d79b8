import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, unwrap } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

describe('a query whose input is too long for an address', () => {
  it('is sent in a body, and answered as any other', async () => {
    const methods: string[] = []
    const client = createClient<FixtureRouter>({
      url,
      token: await app.token('ada'),
      fetch: (input, init) => {
        methods.push(init?.method ?? 'GET')
        return fetch(input, init as RequestInit)
      },
    })
    const startsAt = new Date('2030-01-01T18:00:00Z')
    const { recordId } = unwrap(
      await client.records.events.create.mutate({ data: { title: 'Launch', startsAt, capacity: 5 } }),
    )
    const ids = Array.from({ length: 999 }, (_, at) => `no-such-record-${at}`)
    const [long, short] = await Promise.all([
      client.records.events.list.query({ where: { recordId: { in: [...ids, recordId] }, startsAt } }),
      client.records.events.list.query({ where: { recordId } }),
    ])
    expect(unwrap(long)).toEqual(unwrap(short))
    expect(unwrap(long).count).toBe(1)
    expect(methods).toEqual(['POST', 'POST', 'GET'])
  })
})
