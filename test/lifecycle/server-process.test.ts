import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, expect, test, vi } from 'vitest'
import { createClient, unwrap } from '../../client/core/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { mintToken, run, startServer } from './process.ts'

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
    await expect.poll(async () => (await fetch(`${server.url}/readyz`)).status, { timeout: 10_000 }).toBe(503)
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
  const acknowledged: string[] = []
  {
    await using server = await startServer({ DATA_DIR: directory.path })
    const client = createClient<FixtureRouter>({ url: server.url, token })
    const calls = Array.from({ length: 40 }, async () => {
      const { recordId } = unwrap(await client.actions.createEvent.mutate(EVENT))
      acknowledged.push(recordId)
      // In the middle of the others.
      if (acknowledged.length === 10) server.child.kill('SIGKILL')
    })
    await Promise.allSettled(calls)
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
