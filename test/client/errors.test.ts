import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { TRPCClientError } from '@trpc/client'
import { actionRegistry, fail } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createClient, DeputyError, unwrap } from '../../client/core/index.ts'
import { INTERNAL_MESSAGE } from '../../server/core/errors.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { action } from '../fixture/deputy.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const EVENT = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00Z'), capacity: 5 }

async function thrownBy(call: Promise<unknown>): Promise<DeputyError> {
  const outcome = await call.then(
    () => new Error('The call did not fail'),
    (error: unknown) => error,
  )
  if (!(outcome instanceof DeputyError)) throw outcome
  return outcome
}

async function listenAnd(
  serve: Parameters<typeof createServer>[1],
): Promise<{ server: Server; address: string }> {
  const server = createServer(serve ?? (() => {}))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { server, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

describe('an error of a call', () => {
  it('keeps the code, the request id and the issues of a bad input', async () => {
    const client = createClient<FixtureRouter>({ url, token: await app.token('ada') })
    const error = await thrownBy(client.actions.createEvent.mutate({ ...EVENT, title: '', capacity: 0 }))
    expect(error).toBeInstanceOf(TRPCClientError)
    expect(error.name).toBe('DeputyError')
    expect(error.code).toBe('BAD_REQUEST')
    expect(error.requestId).toMatch(/^[0-9a-f-]{36}$/)
    expect(error.issues.map(({ path }) => path)).toEqual([['title'], ['capacity']])
    expect(error.message).toContain('title')
  })

  it.each([
    ['a stranger', undefined, 'UNAUTHORIZED'],
    ['a caller who is not the owner', 'ada', 'FORBIDDEN'],
  ])('keeps the code and the request id of %s', async (_title, userId, code) => {
    const client = createClient<FixtureRouter>({ url, ...(userId ? { token: await app.token(userId) } : {}) })
    const error = await thrownBy(client.actions.recomputeAnalytics.mutate({}))
    expect(error).toMatchObject({ code, issues: [], details: {}, requestId: expect.stringMatching(/.{36}/) })
  })

  it('keeps the code of a request that was refused as a whole', async () => {
    const client = createClient<FixtureRouter>({ url, token: await app.token('ada') })
    const error = await thrownBy(
      client.actions.createEvent.mutate({ ...EVENT, title: 'a'.repeat(1024 * 1024) }),
    )
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE', requestId: expect.stringMatching(/.{36}/) })
  })

  it('has the fixed sentence when the server failed, and the id that finds the cause in its log', async () => {
    const input = z.strictObject({ title: z.string(), startsAt: z.date(), capacity: z.number() })
    const createEvent = action.input(input).mutation(async () => {
      throw new Error('hunter2')
    })
    await using other = await createTestApp({ actions: actionRegistry({ createEvent }) })
    const client = createClient<FixtureRouter>({
      url: await other.listen(),
      token: await other.token('ada'),
      retries: false,
    })
    const error = await thrownBy(client.actions.createEvent.mutate(EVENT))
    expect(error).toMatchObject({ code: 'INTERNAL_SERVER_ERROR', message: INTERNAL_MESSAGE })
    const causes = other.logged.filter(
      ({ requestId, level }) => requestId === error.requestId && level === 50,
    )
    expect(causes).toMatchObject([{ err: { message: expect.stringContaining('hunter2') } }])
  })
})

describe('no answer', () => {
  it('is an error without a code, with what happened as its cause', async () => {
    const { server, address } = await listenAnd(undefined)
    await new Promise((resolve) => server.close(resolve))
    const error = await thrownBy(
      createClient<FixtureRouter>({ url: address, retries: false }).actions.createEvent.mutate(EVENT),
    )
    expect(error).toMatchObject({ code: undefined, requestId: undefined, issues: [] })
    expect(error.cause).toBeInstanceOf(Error)
  })

  it.each([
    ['a hang-up', ''],
    ['HTML from a proxy', '<html>502</html>'],
    ['other JSON', '{"hello":1}'],
    ['nothing', '{}'],
  ])('of our server but %s is an error without a code', async (_title, body) => {
    const { server, address } = await listenAnd((request, response) => {
      if (body === '') request.socket.destroy()
      else response.writeHead(502, { 'content-type': 'text/html' }).end(body)
    })
    const error = await thrownBy(
      createClient<FixtureRouter>({ url: address, retries: false }).actions.createEvent.mutate(EVENT),
    )
    expect(error.code).toBeUndefined()
    expect(error.message).not.toBe('')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})

describe('unwrap', () => {
  it('gives the data of a success', () => {
    expect(unwrap({ success: true, data: { recordId: 'a' } })).toEqual({ recordId: 'a' })
  })

  it('throws for a returned failure what a gate would throw', async () => {
    const actions = actionRegistry({
      recomputeAnalytics: action
        .input(z.strictObject({}))
        .mutation(async () => fail('FORBIDDEN', "Only the app's owner may call this.")),
    })
    await using other = await createTestApp({ actions })
    const returned = createClient<FixtureRouter>({
      url: await other.listen(),
      token: await other.token('ada'),
    })
    const gated = createClient<FixtureRouter>({ url, token: await app.token('ada') })

    const unwrapped = await thrownBy(returned.actions.recomputeAnalytics.mutate({}).then(unwrap))
    const thrown = await thrownBy(gated.actions.recomputeAnalytics.mutate({}))
    const seen = ({ name, message, code, issues, details }: DeputyError) => ({
      name,
      message,
      code,
      issues,
      details,
    })
    expect(seen(unwrapped)).toEqual(seen(thrown))
    expect(seen(unwrapped)).toMatchObject({ name: 'DeputyError', code: 'FORBIDDEN' })
    expect(unwrapped.requestId).toMatch(/^[0-9a-f-]{36}$/)
  })

  it('keeps the issues and details of a failure', () => {
    const issues = [{ path: ['title'], message: 'is taken' }]
    const details = { retryAfterSeconds: 7 }
    const failure = fail('CONFLICT', 'The title is taken.', { issues, details })
    expect(() => unwrap(failure)).toThrow(DeputyError)
    const told = [{ path: ['title'], message: 'is taken', code: 'custom', params: {} }]
    expect(() => unwrap(failure)).toThrow(
      expect.objectContaining({ code: 'CONFLICT', issues: told, details }),
    )
  })
})

describe('an input', () => {
  it('that refers to itself is refused before anything is sent', async () => {
    let requests = 0
    const client = createClient<FixtureRouter>({
      url,
      fetch: () => {
        requests += 1
        return Promise.reject(new Error('sent'))
      },
    })
    const cyclic: Record<string, unknown> = {}
    cyclic.self = [cyclic]
    const error = await thrownBy(client.actions.createEvent.mutate(Object.assign(cyclic, EVENT)))
    expect(error).toMatchObject({
      code: undefined,
      message: expect.stringContaining('may not refer to itself'),
    })
    expect(requests).toBe(0)
  })
})
