import { actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createEvent } from '../fixture/actions/create-event.ts'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { post } from './send.ts'

// limits.md: body, depth, values

const actions = actionRegistry({
  createEvent,
  addUp: action
    .input(z.strictObject({ amounts: z.array(z.number()) }))
    .mutation(async ({ input }) => ok(input.amounts.length)),
  echo: action
    .input(z.strictObject({ at: z.date(), amount: z.bigint().optional(), note: z.string().optional() }))
    .mutation(async ({ input }) => ok(input)),
})

const newApp = () => createTestApp({ actions })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

async function eventsOf(userId: string): Promise<number> {
  const { rows } = await app.database.query({
    sql: 'select count(*)::int from events where created_by = $1',
    params: [userId],
  })
  return Number(rows[0]?.[0])
}

let users = 0
async function newUser() {
  users += 1
  const userId = `user-${users}`
  return { userId, token: await app.token(userId) }
}

/** The text of a good event, with one field replaced by what JSON.stringify might not write. */
function eventWith(field: string, value: string): string {
  const fields = new Map([
    ['title', '"Launch"'],
    ['startsAt', '"2030-01-01T18:00:00Z"'],
    ['capacity', '5'],
  ])
  fields.set(field, value)
  return `{${[...fields].map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`
}

const GOOD = eventWith('capacity', '5')
const DEEP = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
const TOO_LARGE = eventWith('title', JSON.stringify('a'.repeat(1024 * 1024)))
const stream = (text: string) => new Blob([text]).stream()

/** What is sent, and the status and the words that the answer must have. */
const REFUSED: readonly (readonly [
  string,
  { body?: RequestInit['body']; headers?: Record<string, string> },
  number,
  RegExp,
])[] = [
  ['no JSON', { body: '{"title":' }, 400, /not valid JSON/],
  ['a second document', { body: `${GOOD}{}` }, 400, /not valid JSON/],
  ['an array', { body: '[]' }, 400, /expected object/],
  ['null', { body: 'null' }, 400, /expected object/],
  ['nothing', { body: '' }, 400, /title/],
  ['text/plain', { body: GOOD, headers: { 'content-type': 'text/plain' } }, 415, /application\/json/],
  [
    'a form',
    {
      body: new URLSearchParams({ title: 'a' }),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    },
    415,
    /application\/json/,
  ],
  [
    'multipart',
    { body: GOOD, headers: { 'content-type': 'multipart/form-data; boundary=a' } },
    415,
    /application\/json/,
  ],
  [
    'another charset',
    { body: GOOD, headers: { 'content-type': 'application/json; charset=utf-16' } },
    415,
    /application\/json/,
  ],
  ['gzip', { body: GOOD, headers: { 'content-encoding': 'gzip' } }, 415, /Content-Encoding/],
  ['invalid UTF-8', { body: Buffer.from([0x22, 0xc3, 0x28, 0x22]) }, 400, /UTF-8/],
  ['100 000 arrays in each other', { body: DEEP }, 400, /Nesting is too deep/],
  ['them in a field', { body: eventWith('title', DEEP) }, 400, /title.*Nesting is too deep/],
  ['more than 1 MiB', { body: TOO_LARGE }, 413, /1048576 bytes/],
  ['more than 1 MiB in chunks', { body: stream(TOO_LARGE) }, 413, /1048576 bytes/],
  ['NUL', { body: eventWith('title', '"a\\u0000"') }, 400, /title.*NUL/],
  ['a lone surrogate', { body: eventWith('title', '"\\ud800"') }, 400, /title.*surrogate/],
  ['an unknown key', { body: eventWith('titel', '"a"') }, 400, /titel/],
  ['the key __proto__', { body: eventWith('__proto__', '{"title":"a"}') }, 400, /__proto__/],
  ['the key constructor', { body: eventWith('constructor', '1') }, 400, /constructor/],
  ['a number as a title', { body: eventWith('title', '5') }, 400, /title/],
  ['text as a number', { body: eventWith('capacity', '"5"') }, 400, /capacity/],
  ['a number without end', { body: eventWith('capacity', '1e309') }, 400, /capacity.*finite/],
  ['2^53 + 1', { body: eventWith('capacity', '9007199254740993') }, 400, /capacity.*digits/],
  ['a fraction', { body: eventWith('capacity', '1.5') }, 400, /capacity/],
  ['too small a number', { body: eventWith('capacity', '0') }, 400, /capacity/],
  ['too large a number', { body: eventWith('capacity', '100001') }, 400, /capacity/],
  ['a date without a zone', { body: eventWith('startsAt', '"2030-01-01T18:00:00"') }, 400, /startsAt/],
  ['a day without a time', { body: eventWith('startsAt', '"2030-01-01"') }, 400, /startsAt/],
  ['30 February', { body: eventWith('startsAt', '"2030-02-30T18:00:00Z"') }, 400, /startsAt/],
  ['the year 0', { body: eventWith('startsAt', '"0000-01-01T00:00:00Z"') }, 400, /startsAt/],
  ['the year 275760', { body: eventWith('startsAt', '"+275760-01-01T00:00:00Z"') }, 400, /startsAt/],
  ['a date as a number', { body: eventWith('startsAt', '1893456000000') }, 400, /startsAt/],
]

describe('a body of an action over REST', () => {
  it.each(REFUSED)(
    'that is or holds %s is refused in words and writes nothing',
    async (_title, sending, status, words) => {
      const { userId, token } = await newUser()
      const answer = await post(`${url}/api/actions/createEvent`, { token, ...sending })
      expect(answer.status).toBe(status)
      expect(answer.json).toMatchObject({ success: false, error: expect.stringMatching(words) })
      expect(answer.headers.get('x-request-id')).toBeTruthy()
      expect(await eventsOf(userId)).toBe(0)
    },
  )

  it('that is good is taken, also in chunks and after a byte order mark', async () => {
    const { userId, token } = await newUser()
    const bodies = [GOOD, stream(GOOD), `\ufeff${GOOD}`, Buffer.from(eventWith('title', '"Ünï 🎈"'))]
    for (const body of bodies) {
      expect((await post(`${url}/api/actions/createEvent`, { token, body })).status).toBe(200)
    }
    expect(await eventsOf(userId)).toBe(bodies.length)
  })

  it('that was too large leaves the next calls of the client alone', async () => {
    const { userId, token } = await newUser()
    for (let round = 0; round < 5; round += 1) {
      for (const body of [TOO_LARGE, stream(TOO_LARGE)]) {
        const large = await post(`${url}/api/actions/createEvent`, { token, body })
        expect([large.status, large.headers.get('connection')]).toEqual([413, 'close'])
      }
      expect((await post(`${url}/api/actions/createEvent`, { token, body: GOOD })).status).toBe(200)
    }
    expect(await eventsOf(userId)).toBe(5)
  })

  it.each([
    ['100 000 invalid elements', 'addUp', { amounts: Array(100_000).fill('zq') }],
    [
      '50 000 unknown keys',
      'createEvent',
      Object.fromEntries(Array.from({ length: 50_000 }, (_, at) => [`zq${at}`, 1])),
    ],
    ['a long key', 'createEvent', { [`zq${'a'.repeat(500_000)}`]: 1 }],
  ])('with %s gets a small error', async (_title, name, body) => {
    const { token } = await newUser()
    const answer = await post(`${url}/api/actions/${name}`, { token, body: JSON.stringify(body) })
    expect(answer.status).toBe(400)
    expect(answer.text.length).toBeLessThan(5_000)
  })

  it('with invalid values is answered without them', async () => {
    const { token } = await newUser()
    const body = JSON.stringify({ amounts: Array(100).fill('hunter2') })
    const answer = await post(`${url}/api/actions/addUp`, { token, body })
    expect(answer.status).toBe(400)
    expect(answer.json).toMatchObject({
      issues: expect.arrayContaining([
        {
          path: ['amounts', 0],
          message: expect.any(String),
          code: 'invalid_type',
          params: { expected: 'number' },
        },
      ]),
    })
    expect(answer.text).not.toContain('hunter2')
  })
})

describe('dates and bigints over REST', () => {
  it('are taken as text and given back as text', async () => {
    const { token } = await newUser()
    const body = JSON.stringify({
      at: '2030-01-01T18:00:00.250+02:00',
      amount: '9007199254740993',
      note: '5',
    })
    const answer = await post(`${url}/api/actions/echo`, { token, body })
    expect(answer.json).toEqual({
      success: true,
      data: { at: '2030-01-01T16:00:00.250Z', amount: '9007199254740993', note: '5' },
    })
  })

  it.each(['"1.5"', '"0x10"', '""', '" 1"', '1', `"${'9'.repeat(1_000_000)}"`])(
    'an amount of %.20s is refused by name',
    async (amount) => {
      const { token } = await newUser()
      const answer = await post(`${url}/api/actions/echo`, {
        token,
        body: `{"at":"2030-01-01T18:00:00Z","amount":${amount}}`,
      })
      expect(answer.status).toBe(400)
      expect(answer.json.error).toMatch(/amount/)
    },
  )
})
