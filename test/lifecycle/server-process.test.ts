import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test, vi } from 'vitest'
import { createClient, unwrap } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { callUntilEnded } from './call-until-ended.ts'
import { mintToken, run, runDeputy, runServer, startServer } from './process.ts'

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }

// The first start on a directory makes its database, which takes far longer than the next ones.
vi.setConfig({ testTimeout: 120_000 })
const directory = await dataDirectory()
afterAll(() => directory[Symbol.asyncDispose]())

test('a start prints the address, the data, the owner, and lines that work when pasted', async () => {
  await using server = await startServer({ DATA_DIR: directory.path })
  const { stdout } = server.output
  expect(stdout).toContain(`data      embedded PostgreSQL in ${directory.path}`)
  expect(stdout).toContain('owner     owner\n')
  expect(stdout).toContain('credits   of the owner: unmetered\n')
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)

  const [, pasted = ''] = /Try it:\n([\s\S]+)$/.exec(stdout) ?? []
  const { output, ended } = run('sh', ['-c', pasted])
  expect(await ended).toEqual({ code: 0, signal: null })
  expect(JSON.parse(output.stdout)).toMatchObject({ success: true, data: { recordId: expect.any(String) } })
})

test('a token of the command is taken, and the owner passes the owner gate', async () => {
  await using server = await startServer({ DATA_DIR: directory.path })
  const [ada, owner] = await Promise.all(['ada', 'owner'].map((user) => mintToken(user, directory.path)))
  const mine = createClient<FixtureRouter>({ url: server.url, token: ada ?? '' })
  expect(unwrap(await mine.actions.createEvent.mutate(EVENT)).recordId).toBeTruthy()
  await expect(mine.actions.recomputeAnalytics.mutate({})).rejects.toMatchObject({ code: 'FORBIDDEN' })
  const owners = createClient<FixtureRouter>({ url: server.url, token: owner ?? '' })
  expect(await owners.actions.recomputeAnalytics.mutate({})).toMatchObject({
    success: true,
    data: { events: expect.any(Number) },
  })
})

test('the owner starts with OWNER_CREDITS once, and a later start with another number changes nothing', async () => {
  const token = await mintToken('owner', directory.path)
  for (const OWNER_CREDITS of ['500', '900']) {
    await using server = await startServer({ DATA_DIR: directory.path, OWNER_CREDITS })
    expect(server.output.stdout).toContain('credits   of the owner: 500 micro-credits at the start\n')
    const { credits } = createClient<FixtureRouter>({ url: server.url, token })
    expect(unwrap(await credits.balance.query())).toEqual({ account: 'owner', available: 500, reserved: 0 })
  }
})

test('a server finds of its surroundings what deputy doctor does', async () => {
  await using server = await startServer({ DATA_DIR: directory.path })
  const token = await mintToken('owner', directory.path)
  const { status } = createClient<FixtureRouter>({ url: server.url, token })
  const { findings } = unwrap(await status.findings.query())
  expect(findings.slice(0, 5).map(({ level, subject }) => `${level} ${subject}`)).toEqual([
    'ok database',
    'ok migrations',
    'ok tokens',
    'ok owner',
    'ok agents',
  ])
  expect(findings[0]?.text).toContain(`in ${directory.path}`)
  expect(findings[1]?.text).toBe('all are applied')
  expect(findings[2]?.text).toContain('of the development key')
})

test('METRICS_PORT serves metrics beside the app, until the server stops', async () => {
  await using server = await startServer({ DATA_DIR: directory.path, METRICS_PORT: '0' })
  const [, address = ''] = /metrics {3}(http:\S+)/.exec(server.output.stdout) ?? []
  await fetch(`${server.url}/healthz`)
  const text = await (await fetch(address)).text()
  expect(text).toContain('deputy_http_requests_total{kind="probe",status="200"} 1\n')
  expect(text).toContain('deputy_database_up 1\n')
  expect(text).toMatch(/^nodejs_eventloop_lag_p99_seconds \S+$/m)
  expect(text).toMatch(/^process_resident_memory_bytes \d+$/m)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(404)

  // What it is doing: of its own listener, by the command, and by a signal.
  const report = await (await fetch(new URL('/live', address))).json()
  expect(report).toMatchObject({ callCount: 0, calls: [], pool: { max: 1, waiting: 0 }, queue: {} })
  const { port } = new URL(address)
  const asked = await runDeputy(['doctor', '--live'], { METRICS_PORT: port })
  expect(await asked.ended).toMatchObject({ code: 0 })
  expect(asked.output.stdout).toMatch(/^pool {5}max 1, leased 0, idle 1, waiting 0$/m)
  server.child.kill('SIGUSR2')
  await expect.poll(() => server.output.stdout).toMatch(/"live":\{"at":.*"msg":"In flight"/)
})

test('the console offers the sign-in that the environment names', async () => {
  const issuer = 'https://id.example.com'
  await using server = await startServer({
    DATA_DIR: directory.path,
    AUTH_JWT_SECRET: 'a secret of this test that is long enough',
    AUTH_JWT_ISSUER: issuer,
    AUTH_JWT_AUDIENCE: 'app',
    CONSOLE: 'on',
    CONSOLE_OIDC_ISSUER: issuer,
    CONSOLE_OIDC_CLIENT_ID: 'console',
  })
  const page = await fetch(`${server.url}/console`)
  expect(page.headers.get('content-security-policy')).toContain(`connect-src 'self' ${issuer};`)
  expect(await page.text()).toContain('<meta name="deputy-console-sign-in" content="{&quot;issuer&quot;:')
})

test('a server that is asked what it does before it has started says so, and starts', async () => {
  const NODE_OPTIONS = '--import tsx --import ./test/lifecycle/ask-early.ts'
  await using server = await startServer({ DATA_DIR: directory.path, NODE_OPTIONS })
  expect(server.output.stdout).toContain('Nothing is in flight: the server has not started yet.\n')
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})

test('doctor --live says how to be able to ask, where it cannot', async () => {
  const { output, ended } = await runDeputy(['doctor', '--live'])
  expect(await ended).toMatchObject({ code: 1 })
  expect(output.stderr).toContain('METRICS_PORT, which is not set to a port')
  const nowhere = await runDeputy(['doctor', '--live'], { METRICS_PORT: '1' })
  expect(await nowhere.ended).toMatchObject({ code: 1 })
  expect(nowhere.output.stderr).toContain('http://127.0.0.1:1/live does not answer')
})

test('a port for metrics that is taken keeps the server from starting, by its name', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const { port } = other.address() as AddressInfo
  const refused = await runServer({ DATA_DIR: directory.path, METRICS_PORT: String(port) })
  expect(await refused.ended).toMatchObject({ code: 1 })
  expect(refused.output.stderr).toContain('METRICS_HOST and METRICS_PORT: listen EADDRINUSE')
  other.close()
})

/** A platform that answers when it is told to. */
async function holdingPlatform() {
  let arrived: (response: ServerResponse) => void = () => {}
  const asked = new Promise<ServerResponse>((resolve) => {
    arrived = resolve
  })
  const server = createServer((_request, response) => arrived(response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  'on %s readiness is 503, a call in flight is finished, and the server exits with 0',
  async (signal) => {
    await using platform = await holdingPlatform()
    const token = await mintToken('ada', directory.path)
    await using server = await startServer({
      DATA_DIR: directory.path,
      PLATFORM_URL: platform.url,
      ALLOW_PRIVATE_UPSTREAMS: new URL(platform.url).host,
    })
    const call = createClient<FixtureRouter>({ url: server.url, token }).actions.syncProfile.mutate({})
    const response = await platform.asked

    server.child.kill(signal)
    server.child.kill(signal)
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status).toBe(503)
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)

    response.writeHead(200, { 'content-type': 'application/json' }).end('{"name":"Ada"}')
    expect(await call).toMatchObject({ success: true, data: { user: { data: { name: 'Ada' } } } })
    expect(await server.ended).toEqual({ code: 0, signal: null })
    await expect(fetch(`${server.url}/readyz`)).rejects.toThrow()
  },
)

test('an idle server with open connections exits at once', async () => {
  await using server = await startServer({ DATA_DIR: directory.path })
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
  server.child.kill('SIGTERM')
  expect(await server.ended).toEqual({ code: 0, signal: null })
})

test('what was acknowledged before kill -9 is there after a restart', async () => {
  const token = await mintToken('ada', directory.path)
  let acknowledged: readonly string[]
  {
    await using server = await startServer({ DATA_DIR: directory.path })
    acknowledged = await callUntilEnded(server, { token, signal: 'SIGKILL', after: 10 })
    expect(await server.ended).toEqual({ code: null, signal: 'SIGKILL' })
  }
  expect(acknowledged.length).toBeGreaterThanOrEqual(10)

  await using server = await startServer({ DATA_DIR: directory.path })
  const client = createClient<FixtureRouter>({ url: server.url, token })
  for (const eventId of acknowledged) {
    const listed = await client.actions.listAttendees.query({ eventId })
    expect(listed).toMatchObject({ success: true, data: { records: [] } })
  }
})
