// limits.md: confirmation
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AgentApp, createAgentApp, giveRole } from './agent-app.ts'
import { RawClient, type RawToolResult } from './raw-client.ts'

let now = new Date('2027-03-01T12:00:00.000Z')
let app: AgentApp
let url: string
beforeAll(async () => {
  app = await createAgentApp({ clock: () => now })
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

/** Of a user of the test's own. */
async function signIn(userId = `user-${crypto.randomUUID()}`) {
  return { userId, agent: new RawClient(url, await app.token(userId)) }
}

function confirmationOf({ structuredContent }: RawToolResult): string {
  const token = structuredContent?.confirmation
  if (typeof token !== 'string') throw new Error('There is no confirmation')
  return token
}

/** What an agent reads of a failure. */
function failureOf({ isError, structuredContent, content: [first] }: RawToolResult) {
  expect(isError).toBe(true)
  expect(structuredContent).toBeUndefined()
  return JSON.parse(first?.text ?? '')
}

async function eventsNamed(title: string): Promise<number> {
  const owner = await app.as('owner')
  const counted = await owner.records.events.count({ where: { title } })
  return counted.success ? counted.data.count : -1
}

/** Transport, action and outcome of each audited call of a user. */
async function auditOf(userId: string): Promise<readonly unknown[]> {
  const { rows } = await app.database.query({
    sql: 'select transport, action, outcome from deputy.audit_log where actor = $1 order by at, id',
    params: [userId],
  })
  return rows
}

describe('an agent’s session', () => {
  it('lists, is shown, confirms, and has its effect once, which the audit shows', async () => {
    const { userId, agent } = await signIn()
    const title = `Once by ${userId}`
    const started = await agent.result('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    })
    expect(started).toMatchObject({
      protocolVersion: '2025-06-18',
      capabilities: { tools: {}, resources: {} },
    })
    expect((await agent.tools()).map(({ name }) => name)).toEqual([
      'countEvents',
      'addEvent',
      'announceEvent',
      'repeatEvent',
      'refuseEvent',
      'breakDown',
      'quoteText',
      'eventSize',
      'eventNote',
      'moveEvents',
    ])

    const shown = await agent.call('announceEvent', { title })
    expect(shown.structuredContent).toMatchObject({
      expiresAt: new Date(now.getTime() + 600_000).toISOString(),
      wouldDo: {
        outcome: 'would commit',
        maxCost: 0,
        writes: [{ operation: 'create', collection: 'events', after: { title } }],
      },
    })
    expect(await eventsNamed(title)).toBe(0)

    const confirmation = confirmationOf(shown)
    const done = await agent.call('announceEvent', { title, confirmation })
    const again = await agent.call('announceEvent', { confirmation, title })
    expect(done.structuredContent).toEqual({ recordId: expect.any(String) })
    expect(again.structuredContent).toEqual(done.structuredContent)
    expect(again._meta).toEqual({ 'deputyjs/replayed': true })
    expect(await eventsNamed(title)).toBe(1)

    expect(await auditOf(userId)).toEqual([
      ['mcp', 'announceEvent', 'dry-run'],
      ['mcp', 'announceEvent', 'OK'],
    ])
  })
})

describe('a confirmation', () => {
  const refusals: [string, (token: string) => Promise<RawToolResult>, string][] = []
  const refusal = (why: string, call: (token: string) => Promise<RawToolResult>, message: string) =>
    refusals.push([why, call, message])
  const title = 'Confirmed'
  const other =
    'is not of this call: it is good for one user, one action, the same arguments and the same key'

  refusal(
    'of another user',
    async (confirmation) => (await signIn()).agent.call('announceEvent', { title, confirmation }),
    other,
  )
  refusal(
    'of other arguments',
    async (confirmation) => (await signIn('cara')).agent.call('announceEvent', { title: 'X', confirmation }),
    other,
  )
  refusal(
    'of another action',
    async (confirmation) => (await signIn('cara')).agent.call('repeatEvent', { title, confirmation }),
    other,
  )
  refusal(
    'with a later end',
    async (confirmation) =>
      (await signIn('cara')).agent.call('announceEvent', {
        title,
        confirmation: confirmation.replace(/^\d+/, (ms) => String(Number(ms) + 1)),
      }),
    other,
  )
  refusal(
    'that is none',
    async () => (await signIn('cara')).agent.call('announceEvent', { title, confirmation: 'yes' }),
    'is none of ours',
  )
  refusal(
    'that is no text',
    async () => (await signIn('cara')).agent.call('announceEvent', { title, confirmation: { a: 1 } }),
    'is none of ours',
  )
  for (const value of [{ toString: null, valueOf: null }, ['a'], null, 5])
    refusal(
      `that is ${JSON.stringify(value)}`,
      async () => (await signIn('cara')).agent.call('announceEvent', { title, confirmation: value }),
      'is none of ours',
    )
  refusal(
    'after ten minutes',
    async (confirmation) => {
      now = new Date(now.getTime() + 600_000)
      return (await signIn('cara')).agent.call('announceEvent', { title, confirmation })
    },
    'has expired',
  )

  it.each(refusals)('%s does nothing', async (_why, call, message) => {
    const { agent } = await signIn('cara')
    const token = confirmationOf(await agent.call('announceEvent', { title }))
    const failure = failureOf(await call(token))
    expect(failure).toMatchObject({ code: 'BAD_REQUEST', issues: [{ path: ['confirmation'] }] })
    expect(failure.error).toContain(`The confirmation ${message}; call without it`)
    expect(await eventsNamed(title)).toBe(0)
  })

  it('of what was done is answered as before, also when it has expired', async () => {
    const { userId, agent } = await signIn()
    const done = { title: `Done by ${userId}` }
    const confirmation = confirmationOf(await agent.call('announceEvent', done))
    const first = await agent.call('announceEvent', { ...done, confirmation })
    now = new Date(now.getTime() + 3_600_000)
    const again = await agent.call('announceEvent', { ...done, confirmation })
    expect(again.structuredContent).toEqual(first.structuredContent)
    expect(again._meta).toEqual({ 'deputyjs/replayed': true })
    expect(await eventsNamed(done.title)).toBe(1)
    const other = await agent.call('announceEvent', { title: 'Another', confirmation })
    expect(failureOf(other).error).toContain('is not of this call')
  })

  it('is good at another server of the same database, and a millisecond before its end', async () => {
    const { userId } = await signIn()
    const first = new RawClient(url, await app.token(userId))
    const confirmation = confirmationOf(await first.call('announceEvent', { title: userId }))
    now = new Date(now.getTime() + 599_999)
    const other = app.deploy((await import('./agent-actions.ts')).agentActions)
    const response = await other.fetch(
      new Request('http://other/mcp', {
        method: 'POST',
        headers: {
          authorization: `Bearer ${await app.token(userId)}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'tools/call',
          params: { name: 'announceEvent', arguments: { title: userId, confirmation } },
        }),
      }),
    )
    expect(await response.json()).toMatchObject({
      result: { structuredContent: { recordId: expect.any(String) } },
    })
    expect(await eventsNamed(userId)).toBe(1)
  })

  it.each(['"\\ud800"', '1e400', '"\\u0000"'])(
    'with an input that cannot be stored is refused for that: %s',
    async (text) => {
      const { agent } = await signIn('cara')
      const confirmation = `1795923014747.${'A'.repeat(16)}.${'A'.repeat(43)}`
      for (const given of [{}, { confirmation }]) {
        const params = JSON.stringify({ name: 'announceEvent', arguments: { title: 'TITLE', ...given } })
        const sent = `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":${params.replace('"TITLE"', text)}}`
        const { json } = await agent.send(sent)
        expect(failureOf(json.result as unknown as RawToolResult)).toMatchObject({
          code: 'BAD_REQUEST',
          issues: [{ path: ['title'] }],
        })
      }
    },
  )

  it('is not given for what would fail: the failure is the answer', async () => {
    await giveRole(app, 'dora', 'admin')
    const { agent } = await signIn('dora')
    const failure = failureOf(await agent.call('removeEvent', { eventId: 'none' }))
    expect(failure.code).toBe('NOT_FOUND')
  })
})

describe('a caller without the role', () => {
  it('sees no such tool, and calling it by name is calling an unknown one, which the audit shows', async () => {
    const { userId, agent } = await signIn()
    const names = (await agent.tools()).map(({ name }) => name)
    expect(names).not.toContain('removeEvent')
    expect(names).not.toContain('ownersCount')

    const shown = (error: unknown) => JSON.stringify(error).replace(/removeEvent|noSuchTool/, 'TOOL')
    const ask = async (name: unknown, args: unknown = {}, meta?: unknown) =>
      (await agent.request('tools/call', { name, arguments: args, ...(meta ? { _meta: meta } : {}) })).json
        .error
    const unknown = await ask('noSuchTool')
    expect(unknown).toEqual({ code: -32602, message: 'Unknown tool: noSuchTool' })
    const named = (name: string) => ({ ...unknown, message: `Unknown tool: ${name}` })
    expect(await ask('removeEvent', { eventId: 'x' })).toEqual(named('removeEvent'))
    expect(await ask('removeEvent', { wrong: 1 })).toEqual(named('removeEvent'))
    expect(await ask('removeEvent', { eventId: 'x', confirmation: 'x' })).toEqual(named('removeEvent'))
    const hostile = { toString: null, valueOf: null }
    const signed = `1795923014747.${'A'.repeat(16)}.${'A'.repeat(43)}`
    const unsignable = ['\ud800', Number.MAX_VALUE * 10, '\u0000'].map((eventId) => ({
      eventId,
      confirmation: signed,
    }))
    for (const args of [
      ...unsignable,
      { eventId: 'x', confirmation: signed },
      { confirmation: hostile },
      { confirmation: [hostile] },
      hostile,
      'text',
      null,
      [],
    ])
      for (const meta of [undefined, { 'deputyjs/idempotency-key': hostile }, [hostile]])
        expect(shown(await ask('removeEvent', args, meta))).toBe(shown(await ask('noSuchTool', args, meta)))
    for (const name of [hostile, ['removeEvent'], null, 5, undefined])
      expect(await ask(name)).toMatchObject({ code: -32602 })
    expect(await ask('ownersCount')).toEqual(named('ownersCount'))
    // A key is refused for what only reads: the caller is told nothing of that either.
    expect(await ask('ownersCount', {}, { 'deputyjs/idempotency-key': 'a' })).toEqual(named('ownersCount'))
    expect(await ask('notForAgents')).toEqual(named('notForAgents'))
    expect(await ask('__proto__')).toEqual(named('__proto__'))
    expect(await auditOf(userId)).toContainEqual(['mcp', 'removeEvent', 'FORBIDDEN'])
  })

  it('sees it once they have the role, and not after they have lost it', async () => {
    const { userId, agent } = await signIn()
    const names = async () => (await agent.tools()).map(({ name }) => name)
    await giveRole(app, userId, 'admin')
    expect(await names()).toContain('removeEvent')
    await giveRole(app, userId, 'member')
    expect(await names()).not.toContain('removeEvent')
    expect(await new RawClient(url, await app.token('owner')).tools()).toHaveLength(12)
  })
})

describe('the idempotency key of a call', () => {
  const KEY = 'deputyjs/idempotency-key'

  it('is the one in _meta, and no id of JSON-RPC', async () => {
    const { userId, agent } = await signIn()
    const meta = { [KEY]: `key-${userId}` }
    const first = await agent.call('addEvent', { title: userId }, meta)
    const second = await agent.call('addEvent', { title: userId }, meta)
    expect(second.structuredContent).toEqual(first.structuredContent)
    expect(second._meta).toEqual({ 'deputyjs/replayed': true })
    expect(first._meta).toBeUndefined()
    expect(await eventsNamed(userId)).toBe(1)

    const session = await signIn(userId)
    await session.agent.call('addEvent', { title: userId })
    await (await signIn(userId)).agent.call('addEvent', { title: userId })
    expect(await eventsNamed(userId)).toBe(3)
  })

  it('that no key can be is refused', async () => {
    const { agent } = await signIn()
    expect(failureOf(await agent.call('addEvent', { title: 'x' }, { [KEY]: 7 })).code).toBe('BAD_REQUEST')
    expect(failureOf(await agent.call('addEvent', { title: 'x' }, { [KEY]: 'a b' })).code).toBe('BAD_REQUEST')
    expect(failureOf(await agent.call('countEvents', {}, { [KEY]: 'a' })).code).toBe('BAD_REQUEST')
  })

  it('is no header', async () => {
    const { agent } = await signIn()
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    const answer = await agent.send(body, { 'idempotency-key': 'a' })
    expect(answer.status).toBe(400)
    expect(answer.json.error?.message).toContain('_meta["deputyjs/idempotency-key"]')
  })

  it('goes before the confirmation of a call that is confirmed, which is good with that key alone', async () => {
    const { userId, agent } = await signIn()
    const title = `Keyed by ${userId}`
    const meta = { [KEY]: `key-${userId}` }
    const shown = async (own?: object) => confirmationOf(await agent.call('announceEvent', { title }, own))
    const confirmation = await shown(meta)
    for (const other of [undefined, { [KEY]: 'another' }])
      expect(failureOf(await agent.call('announceEvent', { title, confirmation }, other)).error).toContain(
        'the same key',
      )
    const first = await agent.call('announceEvent', { title, confirmation }, meta)
    // An agent that has lost the answer begins again.
    const again = await agent.call('announceEvent', { title, confirmation: await shown(meta) }, meta)
    expect(again.structuredContent).toEqual(first.structuredContent)
    expect(again._meta).toEqual({ 'deputyjs/replayed': true })
    const unkeyed = await agent.call('announceEvent', { title, confirmation: await shown() }, meta)
    expect(failureOf(unkeyed).error).toContain('the same key')
    expect(await eventsNamed(title)).toBe(1)
  })
})

describe('what a tool answers', () => {
  it('is the data as structured content and as text, and under a key where it is no object', async () => {
    const { agent } = await signIn()
    const text = await agent.call('quoteText', { at: '2030-01-01T00:00:00+01:00' })
    expect(text).toEqual({
      content: [{ type: 'text', text: '"2029-12-31T23:00:00.000Z"' }],
      structuredContent: { result: '2029-12-31T23:00:00.000Z' },
    })
    const counted = await agent.call('countEvents')
    expect(counted.structuredContent).toEqual({ count: expect.any(Number) })
    expect(JSON.parse(counted.content[0]?.text ?? '')).toEqual(counted.structuredContent)
  })

  it('has the schema that the action declares, with dates as they travel', async () => {
    const tools = await (await signIn()).agent.tools()
    const schemaOf = (name: string) => tools.find((tool) => tool.name === name)?.outputSchema
    expect(tools.find(({ name }) => name === 'eventSize')?.title).toBe('Size of an event')
    expect(schemaOf('countEvents')).toBeUndefined()
    expect(schemaOf('eventSize')).toMatchObject({
      type: 'object',
      required: ['size', 'at', 'tags'],
      properties: { at: { type: 'string', format: 'date-time' } },
    })
    expect(schemaOf('eventNote')).toMatchObject({ type: 'object', required: ['result'] })
    expect(schemaOf('moveEvents')).toMatchObject({
      type: 'object',
      anyOf: [
        { required: ['confirmation', 'expiresAt', 'wouldDo'] },
        { properties: { result: { type: 'array', items: { type: 'string' } } }, required: ['result'] },
      ],
    })
  })

  it('is a failure with its code, its issues and when to come again', async () => {
    const { agent } = await signIn()
    expect(failureOf(await agent.call('refuseEvent'))).toEqual({
      code: 'CONFLICT',
      error: 'Not now.',
      details: { retryAfterSeconds: 7 },
    })
    expect(failureOf(await agent.call('addEvent', { title: '', more: 1 }))).toMatchObject({
      code: 'BAD_REQUEST',
      issues: [
        { path: [], code: 'unrecognized_keys' },
        { path: ['title'], code: 'too_small' },
      ],
    })
  })

  it('is nothing of an unexpected error but its request id', async () => {
    const { agent } = await signIn()
    const failure = failureOf(await agent.call('breakDown'))
    expect(failure).toEqual({
      code: 'INTERNAL_SERVER_ERROR',
      error: expect.any(String),
      requestId: expect.any(String),
    })
    expect(JSON.stringify(failure)).not.toContain('secret')
    const line = app.logged.find(({ requestId, level }) => requestId === failure.requestId && level === 50)
    expect(JSON.stringify(line)).toContain('secret of the handler')
  })
})
