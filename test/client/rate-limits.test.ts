import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createClient, DeputyError } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { createTestApp } from '../support/test-app.ts'

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }
const USER = 60
const SPARE = 4

/** An app whose clock stands, and goes on when a client has been refused: no one has to wait for a minute. */
let nowMs = Date.now()
let app: Awaited<ReturnType<typeof openApp>>
const openApp = () =>
  createTestApp({
    rateLimits: { user: USER },
    clock: () => new Date(nowMs),
    clockOffsetMs: () => nowMs - Date.now(),
  })
beforeAll(async () => {
  app = await openApp()
})
afterAll(() => app[Symbol.asyncDispose]())

async function clientOf(retries?: { readonly maxTotalDelayMs: number }) {
  const statuses: number[] = []
  const client = createClient<FixtureRouter>({
    url: await app.listen(),
    token: await app.token(randomUUID()),
    ...(retries ? { retries } : {}),
    fetch: async (input, init) => {
      const answer = await fetch(String(input), init as RequestInit)
      statuses.push(answer.status)
      nowMs += Number(answer.headers.get('retry-after') ?? 0) * 1_000
      return answer
    },
  })
  /** Calls as often as the limit allows. How long the database takes may give a token more, or one less. */
  const use = async () => {
    await Promise.all(Array.from({ length: USER - SPARE }, () => client.actions.createEvent.mutate(EVENT)))
    statuses.length = 0
  }
  /** Calls until one is refused. @returns what came of that one */
  const untilRefused = async () => {
    for (let nth = 0; nth < 2 * SPARE; nth += 1) {
      statuses.length = 0
      const answer = await client.actions.createEvent.mutate(EVENT).catch((error: unknown) => error)
      if (statuses.includes(429)) return answer
    }
    throw new Error('None was refused')
  }
  return { statuses, use, untilRefused }
}

describe('a typed client that is refused for calling too often', () => {
  it('waits as long as it is told, and sends the same call again', async () => {
    const { statuses, use, untilRefused } = await clientOf()
    await use()
    expect(await untilRefused()).toMatchObject({ success: true })
    expect(statuses).toEqual([429, 200])
  })

  it('tells what it was told, where that is longer than it may wait', async () => {
    const { statuses, use, untilRefused } = await clientOf({ maxTotalDelayMs: 100 })
    await use()
    const refused = await untilRefused()
    expect(statuses).toEqual([429])
    expect(refused).toBeInstanceOf(DeputyError)
    expect(refused).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      details: { limit: USER, remaining: 0, retryAfterSeconds: 1 },
    })
  })
})
