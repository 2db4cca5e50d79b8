import { TRPCError } from '@trpc/server'
import { actionRegistry, fail, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ErrorCode, HTTP_STATUS, INTERNAL_MESSAGE } from '../../server/core/errors.ts'
import { action, ownerAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { post } from './send.ts'

const SECRET = 'postgres://deputy:hunter2@db.internal/app'

/** What an action may throw, by name. */
const THROWN: Readonly<Record<string, () => unknown>> = {
  'an error': () => new Error(SECRET, { cause: new Error(SECRET) }),
  'an error with a code': () => Object.assign(new Error(SECRET), { code: 'NOT_FOUND', status: 404 }),
  'an error of tRPC without a code of ours': () =>
    new TRPCError({ code: 'INTERNAL_SERVER_ERROR', message: SECRET }),
  text: () => SECRET,
  'an object': () => ({ success: false, code: 'NOT_FOUND', error: SECRET }),
  undefined: () => undefined,
  null: () => null,
}

const actions = actionRegistry({
  failWith: action.input(z.strictObject({ code: z.string() })).mutation(async ({ input }) =>
    fail(input.code as ErrorCode, 'It was decided so.', {
      issues: [{ path: ['code'], message: 'was this one' }],
      details: { retryAfterSeconds: 7 },
    }),
  ),
  failIn: action
    .input(z.strictObject({ retryAfterSeconds: z.json() }))
    .mutation(async ({ input }) => fail('SERVICE_UNAVAILABLE', 'It was decided so.', { details: input })),
  throwAway: action.input(z.strictObject({ what: z.string() })).mutation(async ({ input }) => {
    throw THROWN[input.what]?.()
  }),
  writeAndThrow: action.input(z.strictObject({ title: z.string() })).mutation(async ({ ctx, input }) => {
    await ctx.tools.create('events', { title: input.title, startsAt: ctx.now, capacity: 5 })
    throw new Error(SECRET)
  }),
  answerWith: action
    .input(z.strictObject({ what: z.string() }))
    // The type refuses both; a cast, or plain JavaScript, does not.
    .mutation(
      async ({ input }) => (input.what === 'nothing' ? undefined : ok(Number.NaN)) as ReturnType<typeof ok>,
    ),
  onlyOwner: ownerAction.input(z.strictObject({})).mutation(async () => ok('in')),
})

const newApp = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
let token: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

const rest = (name: string, input: unknown) =>
  post(`${url}/api/actions/${name}`, { token, body: JSON.stringify(input) })
const trpc = (name: string, input: unknown) =>
  post(`${url}/trpc/actions.${name}`, { token, body: JSON.stringify({ json: input }) })

/** What the log says of the cause of a call. */
function causesOf(requestId: string | null): unknown[] {
  return app.logged
    .filter((line) => line.requestId === requestId && line.level === 50)
    .map((line) => line.err)
}

const RETURNED: readonly (readonly [ErrorCode, number])[] = [
  ['BAD_REQUEST', 400],
  ['UNAUTHORIZED', 401],
  ['PAYMENT_REQUIRED', 402],
  ['FORBIDDEN', 403],
  ['NOT_FOUND', 404],
  ['METHOD_NOT_SUPPORTED', 405],
  ['CONFLICT', 409],
  ['PRECONDITION_FAILED', 412],
  ['PAYLOAD_TOO_LARGE', 413],
  ['UNSUPPORTED_MEDIA_TYPE', 415],
  ['UNPROCESSABLE_CONTENT', 422],
  ['TOO_MANY_REQUESTS', 429],
  ['BAD_GATEWAY', 502],
  ['SERVICE_UNAVAILABLE', 503],
  ['GATEWAY_TIMEOUT', 504],
]

it('every code is one that an action can return, or the internal error', () => {
  const codes = RETURNED.map(([code]) => code)
  expect(Object.keys(HTTP_STATUS).sort()).toEqual([...codes, 'INTERNAL_SERVER_ERROR'].sort())
})

describe('a failure that an action returns', () => {
  it.each(RETURNED)(
    'with the code %s has the status %i over REST, and is data over tRPC',
    async (code, status) => {
      const failure = {
        success: false,
        error: 'It was decided so.',
        code,
        issues: [{ path: ['code'], message: 'was this one', code: 'custom', params: {} }],
        details: { retryAfterSeconds: 7 },
      }
      const answer = await rest('failWith', { code })
      expect(answer.status).toBe(status)
      expect(answer.json).toEqual(failure)
      expect(answer.headers.get('retry-after')).toBe('7')

      const data = await trpc('failWith', { code })
      expect(data.status).toBe(200)
      expect(data.json).toEqual({ result: { data: { json: failure } } })
    },
  )

  it.each([
    [0, '0'],
    [0.2, '1'],
    [7, '7'],
    [-1, null],
    ['7', null],
    [null, null],
    [[7], null],
  ])('asks to be repeated after whole seconds, or not at all: %j', async (retryAfterSeconds, header) => {
    const answer = await rest('failIn', { retryAfterSeconds })
    expect(answer).toMatchObject({ status: 503, json: { details: { retryAfterSeconds } } })
    expect(answer.headers.get('retry-after')).toBe(header)
  })

  it('by a gate is an error with the same code over tRPC', async () => {
    expect(await rest('onlyOwner', {})).toMatchObject({ status: 403, json: { code: 'FORBIDDEN' } })
    const { status, json, headers } = await trpc('onlyOwner', {})
    expect(status).toBe(403)
    expect(json).toEqual({
      error: {
        json: {
          code: -32003,
          message: "Only the app's owner may call this.",
          data: {
            code: 'FORBIDDEN',
            httpStatus: 403,
            requestId: headers.get('x-request-id'),
            issues: null,
            details: null,
          },
        },
      },
    })
  })

  it.each(['INTERNAL_SERVER_ERROR', 'NO_SUCH_CODE', 'toString', ''])(
    'with the code %j is shown as an internal error',
    async (code) => {
      const answer = await rest('failWith', { code })
      expect(answer.status).toBe(500)
      const requestId = answer.headers.get('x-request-id')
      expect(answer.json).toEqual({
        success: false,
        error: INTERNAL_MESSAGE,
        code: 'INTERNAL_SERVER_ERROR',
        details: { requestId },
      })
      expect(causesOf(answer.headers.get('x-request-id'))).toHaveLength(1)
    },
  )
})

describe('what an action throws', () => {
  it.each(Object.keys(THROWN))('is the fixed sentence outside and the cause in the log: %s', async (what) => {
    for (const call of [rest, trpc]) {
      const answer = await call('throwAway', { what })
      expect(answer.status).toBe(500)
      expect(answer.text).toContain(INTERNAL_MESSAGE)
      expect(answer.text).toContain('INTERNAL_SERVER_ERROR')
      expect(answer.text).not.toMatch(/hunter2|\.ts:|at async|stack/)
      expect(causesOf(answer.headers.get('x-request-id'))).toHaveLength(1)
    }
  })

  it('is logged with its message, stack and cause, the request id and the action', async () => {
    const answer = await rest('throwAway', { what: 'an error' })
    const requestId = answer.headers.get('x-request-id')
    const lines = app.logged.filter((line) => line.requestId === requestId && line.level === 50)
    expect(lines).toMatchObject([
      {
        action: 'throwAway',
        actor: 'ada',
        err: { message: expect.stringContaining(SECRET), stack: expect.stringContaining('failures.test.ts') },
      },
    ])
    expect(JSON.stringify(app.logged)).not.toContain(token)
  })

  it('takes what it wrote along', async () => {
    expect((await rest('writeAndThrow', { title: 'thrown away' })).status).toBe(500)
    const { rows } = await app.database.query({
      sql: 'select count(*)::int from events where title = $1',
      params: ['thrown away'],
    })
    expect(rows).toEqual([[0]])
  })
})

describe('an answer', () => {
  it.each(['nothing', 'NaN'])('that cannot be sent is an internal error: %s', async (what) => {
    for (const call of [rest, trpc]) {
      const answer = await call('answerWith', { what })
      expect(answer.status).toBe(500)
      expect(answer.text).toContain(INTERNAL_MESSAGE)
      expect(causesOf(answer.headers.get('x-request-id'))).toHaveLength(1)
    }
  })
})
