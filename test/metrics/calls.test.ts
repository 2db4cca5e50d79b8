import { randomUUID } from 'node:crypto'
import { fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { get, post } from '../http/send.ts'
import { eventData } from '../invocation/probe.ts'
import { sumOf } from './exposition.ts'
import { openObservedApp } from './observed-app.ts'

let open: Awaited<ReturnType<typeof openObservedApp>>
beforeAll(async () => {
  open = await openObservedApp()
})
afterAll(() => open[Symbol.asyncDispose]())

/** How much a sum has grown while something was done. */
async function growth(
  name: string,
  labels: Readonly<Record<string, string>>,
  run: () => Promise<unknown>,
): Promise<number> {
  const before = sumOf(await open.samples(), `deputy_${name}`, labels)
  await run()
  return sumOf(await open.samples(), `deputy_${name}`, labels) - before
}

const mine = { action: 'act' }

describe('calls are counted', () => {
  it.each([
    ['OK', async () => ok(1)],
    ['CONFLICT', async () => fail('CONFLICT', 'Full')],
    [
      'INTERNAL_SERVER_ERROR',
      async () => {
        throw new Error('broken')
      },
    ],
  ] as const)('that end with %s', async (code, handler) => {
    const labels = { ...mine, code, transport: 'caller', source: 'client' }
    expect(await growth('calls_total', labels, () => open.run(handler).catch(() => {}))).toBe(1)
  })

  it('with how long they took, in seconds', async () => {
    expect(await growth('call_duration_seconds_count', mine, () => open.run(async () => ok(1)))).toBe(1)
    let tookMs = 0
    const sum = await growth('call_duration_seconds_sum', mine, async () => {
      const beganMs = performance.now()
      await open.run(async () => {
        const runsMs = performance.now()
        // A timer may ring before its time: it counts from when the process last looked at the clock.
        while (performance.now() < runsMs + 5) await new Promise((resolve) => setTimeout(resolve, 1))
        return ok(1)
      })
      tookMs = performance.now() - beganMs
    })
    expect(sum).toBeGreaterThanOrEqual(0.005)
    expect(sum).toBeLessThanOrEqual(tookMs / 1_000)
  })

  it('as what they are refused for before they are known, on every transport', async () => {
    const url = await open.app.listen()
    const tried = async () => {
      await post(`${url}/trpc/records.events.create`, { token: 'forged' })
      await post(`${url}/api/records/events`, { token: 'forged' })
    }
    expect(await growth('tokens_refused_total', {}, tried)).toBe(2)
    const refused = () => open.app.createCaller({ token: 'forged' }).users.me()
    await expect(refused()).rejects.toThrow()
    expect(
      await growth('calls_total', { action: 'users.me', code: 'UNAUTHORIZED' }, () =>
        refused().catch(() => {}),
      ),
    ).toBe(1)
  })

  it('as attempts and replays', async () => {
    const twice = () => open.run(async (ctx) => ctx.tools.create('events', eventData()), { times: 3 })
    const before = await open.samples()
    await twice()
    const after = await open.samples()
    const grown = (name: string) => sumOf(after, name, mine) - sumOf(before, name, mine)
    expect(grown('deputy_call_attempts_total')).toBe(1)
    expect(grown('deputy_call_replays_total')).toBe(2)
    expect(grown('deputy_calls_total')).toBe(3)
  })

  it('as suspensions for outbound calls', async () => {
    const suspended = () =>
      open.run(async (ctx) => {
        await ctx.tools.count('events')
        return ctx.tools.integration('weather/forecast', { latitude: 1, longitude: 2 })
      })
    expect(await growth('call_suspensions_total', mine, suspended)).toBe(1)
  })
})

describe('refusals are counted', () => {
  it.each([
    ['malformed', async () => 'no.token'],
    ['expired', () => open.app.token('ada', { exp: 1_000_000 })],
    ['claims', () => open.app.token('ada', { iss: 'https://other.example' })],
    [
      'signature',
      async () => `${(await open.app.token('ada')).split('.').slice(0, 2).join('.')}.${'A'.repeat(86)}`,
    ],
  ])('of tokens, as %s', async (reason, token) => {
    const url = await open.app.listen()
    const tried = async () => post(`${url}/api/actions/act`, { token: await token() })
    expect(await growth('tokens_refused_total', { reason }, tried)).toBe(1)
  })

  it('of a limit', async () => {
    const url = await open.app.listen()
    const tried = async () => {
      for (let nth = 0; nth < 4; nth += 1)
        await post(`${url}/api/integrations/weather/forecast`, { body: '{"latitude":1,"longitude":2}' })
    }
    expect(await growth('limit_refusals_total', { limit: 'integrations' }, tried)).toBe(2)
  })
})

describe('requests are counted by what answers them', () => {
  it.each([
    ['probe', '200', '/healthz'],
    ['records', '200', '/api/records/events'],
    ['actions', '405', '/api/actions/act'],
    ['unknown', '404', '/nothing/here'],
  ])('%s with %s', async (kind, status, path) => {
    const url = await open.app.listen()
    expect(await growth('http_requests_total', { kind, status }, () => get(`${url}${path}`))).toBe(1)
  })
})

describe('names that callers choose', () => {
  it('make no series of their own, whatever they are', async () => {
    const url = await open.app.listen()
    const token = await open.app.token('ada')
    const hostile = [
      '__proto__',
      'constructor',
      'toString',
      'act"} 1',
      'a\\n',
      'x'.repeat(200),
      'actions.act',
      '%22',
    ]
    const names = [...hostile, ...Array.from({ length: 50 }, () => `n${randomUUID().replaceAll('-', '')}`)]
    const tryAll = async () => {
      for (const name of names) {
        const encoded = encodeURIComponent(name)
        await post(`${url}/api/actions/${encoded}`, { token })
        await post(`${url}/trpc/actions.${encoded}`, { token })
        await post(`${url}/trpc/${encoded}`, { token })
        await get(`${url}/api/${encoded}`, {}, 'PURGE')
        await get(`${url}/${encoded}?${encoded}=1`)
        await post(`${url}/api/integrations/${encoded}/${encoded}`, { token })
        await post(`${url}/api/records/${encoded}`, { token: `${encoded}.${encoded}.x` })
      }
    }
    await tryAll()
    const before = await open.samples()
    const missing = sumOf(before, 'deputy_calls_total', { action: 'unknown', code: 'NOT_FOUND' })
    expect(missing).toBeGreaterThan(100)
    await tryAll()
    const after = await open.samples()
    expect(sumOf(after, 'deputy_calls_total', { action: 'unknown', code: 'NOT_FOUND' })).toBe(2 * missing)
    const series = (samples: typeof after) =>
      samples.map(({ name, labels }) => JSON.stringify([name, labels]))
    expect(series(after)).toEqual(series(before))
    expect(
      series(after).filter((text) => names.some((name) => name.length > 12 && text.includes(name))),
    ).toEqual([])
  })

  it('of users are nowhere in a scrape', async () => {
    const userId = `user-${randomUUID()}`
    await open.run(async (ctx) => ctx.tools.create('events', eventData()), { userId })
    expect(await open.metrics.scrape()).not.toContain(userId)
  })
})

it('each app has metrics of its own', async () => {
  await using other = await openObservedApp()
  await other.run(async () => ok(1))
  expect(sumOf(await other.samples(), 'deputy_calls_total')).toBe(1)
})
