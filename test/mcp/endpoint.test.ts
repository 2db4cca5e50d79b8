// limits.md: agent-message
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fixture } from '../fixture/app.ts'
import { get, post, rawRequest, sendRaw } from '../http/send.ts'
import { standingClock } from '../support/standing-clock.ts'
import { createTestApp } from '../support/test-app.ts'
import { type AgentApp, createAgentApp } from './agent-app.ts'
import { RawClient } from './raw-client.ts'

const METADATA = '/.well-known/oauth-protected-resource'
const LIST = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })

let app: AgentApp
let url: string
let agent: RawClient
beforeAll(async () => {
  app = await createAgentApp({
    corsOrigins: ['https://agents.example.com'],
    mcp: { issuer: 'https://issuer.test' },
  })
  url = await app.listen()
  agent = new RawClient(url, await app.token('ada'))
})
afterAll(() => app[Symbol.asyncDispose]())

describe('an app that offers agents nothing', () => {
  it('answers at /mcp and for its metadata as where nothing is', async () => {
    await using other = await createTestApp({
      actions: {},
      collections: { users: fixture.collections.users },
    })
    const otherUrl = await other.listen()
    const token = await other.token('ada')
    const nothing = await get(`${otherUrl}/nothing`)
    for (const path of ['/mcp', METADATA, `${METADATA}/mcp`]) {
      for (const answer of [
        await post(otherUrl + path, { token, body: LIST }),
        await post(otherUrl + path, { body: LIST }),
        await get(otherUrl + path),
      ]) {
        expect([path, answer.status]).toEqual([path, 404])
        expect(answer.text).toBe(nothing.text)
        expect(answer.headers.get('www-authenticate')).toBeNull()
      }
    }
  })
})

describe('a caller without a valid token', () => {
  it.each([
    ['without a token', {}],
    ['with another scheme', { authorization: 'Basic YTpi' }],
    ['with a token that is none', { authorization: 'Bearer x.y.z' }],
  ])('%s is told where to sign in, and nothing of the tools', async (_name, headers) => {
    const answer = await post(`${url}/mcp`, { headers, body: LIST })
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toBe(`Bearer resource_metadata="${url}${METADATA}/mcp"`)
    expect(answer.json).toMatchObject({ jsonrpc: '2.0', error: { data: { code: 'UNAUTHORIZED' } } })
    expect(answer.text).not.toContain('countEvents')
  })

  it.each([METADATA, `${METADATA}/mcp`])('reads at %s who gives tokens', async (path) => {
    const answer = await get(url + path)
    expect(answer.status).toBe(200)
    expect(answer.json).toEqual({
      resource: `${url}/mcp`,
      authorization_servers: ['https://issuer.test'],
      bearer_methods_supported: ['header'],
    })
    expect((await post(url + path)).status).toBe(405)
  })
})

describe('an address that is configured', () => {
  const address = 'https://api.example.com/agents/mcp'

  it('is the resource of the metadata, and the audience of tokens for agents alone', async () => {
    await using other = await createAgentApp({
      mcp: {
        url: address,
        issuer: 'urn:not-an-address',
        // As the server makes it of the same keys, with another audience.
        verifier: {
          verify: async (token) => {
            const { aud } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
            return aud === address
              ? {
                  ok: true as const,
                  actor: { kind: 'user' as const, userId: 'ada', claims: { sub: 'ada' }, token },
                }
              : { ok: false as const, reason: 'invalid' as const, refusal: 'claims' as const, detail: 'aud' }
          },
          recall: () => undefined,
        },
      },
    })
    const otherUrl = await other.listen()
    expect((await get(`${otherUrl}${METADATA}/agents/mcp`)).json).toEqual({
      resource: address,
      bearer_methods_supported: ['header'],
    })
    const forAgents = await other.token('ada', { aud: address })
    const forAll = await other.token('ada')
    const statusOf = async (path: string, token: string) =>
      (await post(otherUrl + path, { token, body: path === '/mcp' ? LIST : '{}' })).status
    expect(await statusOf('/mcp', forAgents)).toBe(200)
    expect(await statusOf('/api/actions/countEvents', forAgents)).toBe(401)
    expect(await statusOf('/api/actions/countEvents', forAll)).toBe(200)
    expect(await statusOf('/mcp', forAll)).toBe(401)
    const refused = await post(`${otherUrl}/mcp`, { body: LIST })
    expect(refused.headers.get('www-authenticate')).toBe(
      `Bearer resource_metadata="https://api.example.com${METADATA}/agents/mcp"`,
    )
  })
})

describe('a page', () => {
  it('of an origin that may not call is refused, whatever its token', async () => {
    for (const [origin, status] of [
      ['https://evil.example.com', 403],
      ['null', 403],
      ['https://agents.example.com', 200],
      [url, 200],
    ] as const) {
      expect([origin, (await agent.send(LIST, { origin })).status]).toEqual([origin, status])
    }
  })
})

describe('the host of a request', () => {
  const ask = async (line: string, host: string, headers: readonly string[] = [], body = '') => {
    const text = rawRequest(line, [`Content-Length: ${body.length}`, ...headers], body)
    const { text: answer } = await sendRaw(url, text.replace('Host: deputy.test', `Host: ${host}`))
    return answer
  }

  it.each([
    ['a name', '', 'api.example.com:8080', 'http://api.example.com:8080/mcp'],
    ['none', '', '', 'http://localhost/mcp'],
    ['that of a whole address', 'http://other.example.com', 'deputy.test', 'http://other.example.com/mcp'],
  ])('is the resource, where the settings name no other: %s', async (_name, before, host, resource) => {
    expect(await ask(`GET ${before}${METADATA}`, host)).toContain(`"resource":"${resource}"`)
  })

  it.each(['a b', 'a^b', 'a",x="b', 'a<b', 'a\\b', '[::1', 'a:b'])('%s is refused', async (host) => {
    const logged = app.logged.length
    for (const before of ['', 'http://x.example.com'])
      for (const line of [`GET ${before}${METADATA}`, `POST ${before}/mcp`])
        expect(await ask(line, host)).toMatch(/^HTTP\/1.1 400 /)
    expect(app.logged.slice(logged).filter(({ level }) => level === 50)).toEqual([])
  })

  it('is no origin that may call because a page says so, but where it is this machine (DNS rebinding)', async () => {
    const token = await app.token('ada')
    for (const [host, status] of [
      ['evil.example.com', 403],
      ['127.0.0.1.evil.example.com:80', 403],
      ['localhost:3000', 200],
      ['[::1]:3000', 200],
    ] as const) {
      const headers = [
        `Origin: http://${host}`,
        `Authorization: Bearer ${token}`,
        'Content-Type: application/json',
      ]
      const answer = await ask('POST /mcp', host, headers, LIST)
      expect([host, Number(answer.split(' ')[1])]).toEqual([host, status])
    }
  })
})

describe('the limits of calls', () => {
  it('count each message, also one that calls nothing, and refuse with when to come again', async () => {
    await using limited = await createAgentApp({ rateLimits: { user: 3, failing: 2 }, ...standingClock() })
    const limitedUrl = await limited.listen()
    const signIn = async (userId: string) => new RawClient(limitedUrl, await limited.token(userId))

    const ada = await signIn('ada')
    await ada.tools()
    await ada.call('countEvents')
    const last = await ada.request('tools/call', { name: 'countEvents' })
    expect(last.headers.get('ratelimit')).toContain('"user";r=0')
    const refused = await ada.call('countEvents')
    expect(refused.isError).toBe(true)
    expect(JSON.parse(refused.content[0]?.text ?? '')).toMatchObject({
      code: 'TOO_MANY_REQUESTS',
      details: { retryAfterSeconds: expect.any(Number) },
    })
    expect((await ada.request('tools/list')).json.error?.data).toMatchObject({ code: 'TOO_MANY_REQUESTS' })
    const ping = await ada.request('ping')
    expect([ping.status, ping.json.error?.data]).toMatchObject([429, { code: 'TOO_MANY_REQUESTS' }])
    expect(ping.json.id).toBeTruthy()
    expect(Number(ping.headers.get('retry-after'))).toBeGreaterThan(0)

    const cyd = await signIn('cyd')
    const pings = [await cyd.request('ping'), await cyd.request('initialize'), await cyd.request('no/such')]
    expect(pings.map(({ status }) => status)).toEqual([200, 200, 200])
    expect((await cyd.request('ping')).status).toBe(429)

    const bob = await signIn('bob')
    await bob.request('tools/call', { name: 'noSuchTool' })
    await bob.send('{')
    const failing = await bob.request('tools/list')
    expect([failing.status, failing.json.error?.data]).toMatchObject([429, { code: 'TOO_MANY_REQUESTS' }])
    expect(Number(failing.headers.get('retry-after'))).toBeGreaterThan(0)
  })
})

describe('the server', () => {
  it('says its version, which is the package’s', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
    const started = await agent.result('initialize', {
      protocolVersion: '2025-06-18',
      capabilities: {},
      clientInfo: { name: 'raw', version: '1' },
    })
    expect(started.serverInfo).toEqual({ name: 'deputyjs', version })
  })
})

describe('a request that is no message', () => {
  const call = (params: unknown) => JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
  it.each([
    ['no JSON', '{', 400, -32700],
    ['nothing', '', 400, -32600],
    ['no UTF-8', Buffer.from([0x7b, 0xff]).toString('latin1'), 400, -32700],
    ['a number', '1', 400, -32600],
    ['null', 'null', 400, -32600],
    ['a batch', `[${LIST},${LIST}]`, 400, -32600],
    ['an empty batch', '[]', 400, -32600],
    ['of another protocol', '{"jsonrpc":"1.0","id":1,"method":"tools/list"}', 400, -32600],
    ['a call without a name', call({}), 200, -32602],
    ['a call of a number', call({ name: 5 }), 200, -32602],
    ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"no/such"}', 200, -32601],
    ['a stream', '{"jsonrpc":"2.0","id":1,"method":"subscriptions/listen"}', 400, -32601],
  ])('%s is refused as JSON-RPC says', async (_name, body, status, code) => {
    const answer = await agent.send(body)
    expect([answer.status, answer.json.error?.code]).toEqual([status, code])
    expect(answer.json.error?.message).toMatch(/^[A-Z][^\n{}[\]]+$/)
  })

  const [few, many] = [Array(900).fill(1), Array(40_000).fill(1)]
  const client = (more: object) => ({
    protocolVersion: '2025-06-18',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1', ...more },
  })
  it.each([
    ['of a wrong type', 'tools/list', { cursor: 5 }, 200, -32602],
    ['of many wrong types', 'initialize', client({ icons: few }), 200, -32602],
    ['of more than there may be', 'initialize', client({ icons: many }), 400, -32600],
    ['in deep ones', 'initialize', client({ icons: [[many]] }), 400, -32600],
    ['by their keys', 'tools/list', { _meta: Object.fromEntries(Object.entries(many)) }, 400, -32600],
    ['beside the arguments of a tool', 'tools/call', { name: 'x', arguments: {}, more: many }, 400, -32600],
    ['as the arguments of a tool', 'tools/call', { name: 'x', arguments: { many } }, 200, -32602],
  ])('is told of params %s in one sentence', async (_which, method, params, status, code) => {
    const answer = await agent.request(method, params)
    expect([answer.status, answer.json.error?.code]).toEqual([status, code])
    expect(answer.json.error?.message).toMatch(/^[A-Z][^\n{}[\]]+$/)
    expect(answer.text.length).toBeLessThan(400)
  })

  it('by another method, below the address, or of another type is refused by HTTP', async () => {
    const token = await app.token('ada')
    expect((await get(`${url}/mcp`, { token })).status).toBe(405)
    expect((await get(`${url}/mcp`, { token })).headers.get('allow')).toBe('POST')
    expect((await get(`${url}/mcp`, { token }, 'DELETE')).status).toBe(405)
    expect((await post(`${url}/mcp/tools`, { token, body: LIST })).status).toBe(404)
    expect((await agent.send(LIST, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await agent.send(LIST, { 'content-encoding': 'gzip' })).status).toBe(415)
    expect((await agent.send(`"${'x'.repeat(1024 * 1024)}"`)).status).toBe(413)
    expect((await agent.send(LIST, { 'deputy-dry-run': 'true' })).status).toBe(400)
  })

  it('is never an error of the server’s, and what is sent beside it is answered', async () => {
    const method = fc.oneof(
      fc.constantFrom(
        'initialize',
        'ping',
        'tools/list',
        'tools/call',
        'resources/list',
        'resources/templates/list',
        'resources/read',
        'prompts/list',
        'completion/complete',
        'logging/setLevel',
        'server/discover',
        'subscriptions/listen',
        'notifications/initialized',
        'notifications/cancelled',
        'tasks/list',
        '__proto__',
      ),
      fc.anything(),
    )
    const hostile = fc.oneof(
      fc.constantFrom('__proto__', 'constructor', 'toString', 'countEvents', 'deputy://records/events'),
      fc.string({ unit: 'binary' }),
      fc.json(),
    )
    const params = fc.oneof(
      fc.anything(),
      fc.record(
        {
          name: hostile,
          uri: hostile,
          arguments: fc.anything(),
          cursor: fc.anything(),
          protocolVersion: fc.anything(),
          _meta: fc.oneof(
            fc.anything(),
            fc.record({
              'deputyjs/idempotency-key': fc.anything(),
              'io.modelcontextprotocol/protocolVersion': fc.constantFrom('2026-07-28', '2099-01-01', 5),
              progressToken: fc.anything(),
            }),
          ),
        },
        { requiredKeys: [] },
      ),
    )
    const message = fc.record(
      { jsonrpc: fc.constantFrom('2.0', '1.0', 2), id: fc.anything(), method, params, result: fc.anything() },
      { requiredKeys: ['jsonrpc'] },
    )
    const body = fc.oneof(
      { arbitrary: message.map(textOf), weight: 8 },
      { arbitrary: fc.anything().map(textOf), weight: 1 },
      { arbitrary: fc.string({ unit: 'binary' }), weight: 1 },
    )
    const version = fc.constantFrom('2025-06-18', '2025-03-26', '2026-07-28', '1', '')
    await fc.assert(
      fc.asyncProperty(body, version, async (text, protocol) => {
        const { status } = await agent.send(text, { 'mcp-protocol-version': protocol })
        expect(status).toBeLessThan(500)
      }),
      { numRuns: 400 },
    )
    expect(app.logged.filter(({ level }) => Number(level) >= 50)).toEqual([])
    expect(await agent.tools()).not.toEqual([])
  })
})

/** As JSON, where there is one. */
function textOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner)) ?? ''
  } catch {
    return ''
  }
}
