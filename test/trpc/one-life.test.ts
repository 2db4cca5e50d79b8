import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { callablesOf } from '../../server/trpc/callable.ts'
import { fixture } from '../fixture/app.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

/** Every procedure of the router, by what its path begins with. */
const GROUPS = [
  'actions',
  'audit',
  'calls',
  'credits',
  'data',
  'integrations',
  'jobs',
  'outbox',
  'records',
  'schedules',
  'status',
  'users',
] as const

async function send(
  path: string,
  { user, input = {}, key, isDry }: { user?: string; input?: unknown; key?: string; isDry?: boolean },
): Promise<{ status: number; message: string; lines: readonly Record<string, unknown>[] }> {
  const { kind } = callablesOf(app.router).get(path) ?? {}
  const headers = {
    'content-type': 'application/json',
    'x-request-id': `one-life-${crypto.randomUUID()}`,
    ...(user === undefined ? {} : { authorization: `Bearer ${await app.token(user)}` }),
    ...(key === undefined ? {} : { 'idempotency-key': key }),
    ...(isDry ? { 'deputy-dry-run': 'true' } : {}),
  }
  const json = JSON.stringify({ json: input })
  const answer =
    kind !== 'mutation'
      ? await fetch(`${url}/trpc/${path}?input=${encodeURIComponent(json)}`, { headers })
      : await fetch(`${url}/trpc/${path}`, { method: 'POST', headers, body: json })
  const body = (await answer.json()) as { error?: { json: { message: string } } }
  const lines = app.logged.filter((line) => line.requestId === headers['x-request-id'] && line.msg === 'Call')
  return { status: answer.status, message: body.error?.json.message ?? '', lines }
}

function paths(kind?: 'query' | 'mutation'): string[] {
  return [...callablesOf(app.router)]
    .filter(([, callable]) => !kind || callable.kind === kind)
    .map(([path]) => path)
}

describe('every procedure of the router', () => {
  it('is one of a group that is known here, and each group has some', () => {
    const names = new Set(paths().map((path) => path.split('.')[0]))
    expect([...names].sort()).toEqual([...GROUPS])
    expect(paths().length).toBeGreaterThan(Object.keys(fixture.actions).length + 30)
  })

  it('refuses a token that is not valid before it looks at anything else', async () => {
    for (const path of paths()) {
      const answer = await fetch(`${url}/trpc/${path}`, {
        method: callablesOf(app.router).get(path)?.kind === 'mutation' ? 'POST' : 'GET',
        headers: { authorization: 'Bearer forged', 'content-type': 'application/json' },
      })
      expect([path, answer.status]).toEqual([path, 401])
      await answer.body?.cancel()
    }
  })

  it('refuses an input that could not be kept, once its gate has let the caller in', async () => {
    const input = { endpoint: 'weather/forecast', unkept: 'a\0b' }
    for (const path of paths()) {
      const { status, message } = await send(path, { user: 'owner', input })
      expect([path, status, message.includes('NUL')]).toEqual([path, 400, true])
    }
  })

  it('takes no idempotency key where it only reads', async () => {
    for (const path of paths('query')) {
      const { status, message } = await send(path, { user: 'owner', key: 'a-key-of-a-read' })
      expect([path, status, message.includes('Idempotency-Key')]).toEqual([path, 400, true])
    }
  })

  it('has no dry run, which it says, unless it is an action', async () => {
    for (const path of paths()) {
      const { status, message } = await send(path, { user: 'owner', isDry: true })
      const isRefused = message.startsWith('Only actions have a dry run')
      const isAction = path.startsWith('actions.') && !path.endsWith('.live')
      expect([path, isRefused]).toEqual([path, !isAction])
      if (isRefused) expect(status).toBe(400)
    }
  })

  it('leaves one line in the log for a call that may write, whatever comes of it', async () => {
    for (const path of paths('mutation')) {
      const { status, lines } = await send(path, {
        user: 'owner',
        input: { endpoint: 'weather/forecast', no: 1 },
      })
      expect(path === 'users.register' || status >= 400, path).toBe(true)
      expect([path, lines.length]).toEqual([path, 1])
      expect([path, lines[0]?.action]).toEqual([path, path.replace(/^actions\./, '')])
    }
  })
})
