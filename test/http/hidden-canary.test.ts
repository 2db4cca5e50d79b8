// What the rules hide from a viewer is in no byte that they receive, whatever they ask: values that the owner, or someone
// else, has put into hidden fields and hidden records.
import { randomUUID } from 'node:crypto'
import { actionRegistry, createBuilders, fail, ok } from 'deputyjs'
import { text } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import { PROCEDURE_ROUTES } from '../../server/http/procedure-routes.ts'
import { callablesOf } from '../../server/trpc/callable.ts'
import { fixture } from '../fixture/app.ts'
import { type ReadStream, readStream } from '../live/read-stream.ts'
import { builtConsole } from '../support/console-build.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

/** With what JSON and addresses escape about it: the part that is looked for is written alike in all of them. */
const canary = () => `"ö/ canary${randomUUID().replaceAll('-', '')} <&>`
const markOf = (value: string) => /canary\w+/.exec(value)?.[0] ?? ''

const CANARIES = {
  'a field, by an action': canary(),
  'a field, by records': canary(),
  'a secret field, by records': canary(),
  'a record, by an action': canary(),
  'a record, by records': canary(),
  "another's record": canary(),
  'a field of a user': canary(),
  'a line of the log': canary(),
} as const
type Place = keyof typeof CANARIES

const users = collection(
  'users',
  { name: text(), email: text(), imageUrl: text(), role: text().notNull().default('member') },
  {
    systemManaged: ['name', 'email', 'imageUrl', 'role'],
    claims: { name: 'name', email: 'note' },
    access: { '*': { read: true, readableFields: ['name', 'role'] } },
  },
)
const PAPER = { read: true, readableFields: ['title'] } as const
const papers = collection(
  'papers',
  { title: text().notNull(), draft: text(), apiKey: text() },
  {
    agent: true,
    secretFields: ['apiKey'],
    access: {
      admin: { ...PAPER, create: true, update: true, writableFields: ['title', 'draft', 'apiKey'] },
      '*': { ...PAPER, create: true, update: true, writableFields: ['title', 'draft'] },
    },
  },
)
/** The owner's alone, from admins too. */
const safes = collection(
  'safes',
  { content: text().notNull() },
  { access: { admin: { read: ({ isOwner }) => isOwner, create: ({ isOwner }) => isOwner } } },
)
const diaries = collection(
  'diaries',
  { page: text().notNull() },
  { access: { '*': { read: 'own', create: true } } },
)
const collections = { ...fixture.collections, users, papers, safes, diaries }

const SYSTEM = `record_id text primary key, created_by text, created_at timestamptz(3) not null,
  updated_at timestamptz(3) not null, version integer not null default 1`
const TABLES = `
  create table papers (${SYSTEM}, title text not null, draft text, api_key text,
    constraint papers_draft_key unique (draft), constraint papers_draft_check check (draft <> 'never'));
  create table safes (${SYSTEM}, content text not null, constraint safes_content_key unique (content));
  create table diaries (${SYSTEM}, page text not null);`

const { action, ownerAction } = createBuilders<{
  collections: typeof collections
  integrations: typeof fixture.integrations
  env: typeof fixture.env
}>()

const how = z.strictObject({ how: z.enum(['writes', 'conflicts', 'breaks', 'throws', 'fails', 'queues']) })
const seen = z.strictObject({})

const actions = actionRegistry({
  /** The values are in no input. */
  hide: ownerAction.input(seen).mutation(async ({ ctx: { tools } }) => {
    await tools.create('papers', { title: 'By an action', draft: CANARIES['a field, by an action'] }, 'paper')
    return tools.create('safes', { content: CANARIES['a record, by an action'] }, 'safe')
  }),
  touch: action
    .input(how)
    .meta({ dryRun: 'caller', agent: { description: 'Touches a paper.' } })
    .mutation(async ({ ctx: { log, tools }, input }) => {
      log.info({ note: CANARIES['a line of the log'] }, CANARIES['a line of the log'])
      const paper = await tools.get('papers', 'paper')
      const safe = await tools.get('safes', 'safe')
      if (!paper.success || !safe.success) return fail('NOT_FOUND', 'There is nothing yet.')
      const { draft } = paper.data.record.data
      switch (input.how) {
        case 'conflicts':
          return tools.create('safes', { content: safe.data.record.data.content })
        case 'breaks':
          return tools.update('papers', 'paper', { draft: 'never' })
        case 'throws':
          throw new Error(`It is ${draft}`)
        case 'fails':
          return fail('CONFLICT', 'It is as it was.')
        case 'queues':
          return tools.later(touchLater, {}, { delayMs: 3_600_000 })
        case 'writes': {
          await tools.update('safes', 'safe', { content: `${safe.data.record.data.content} ` })
          await tools.create('safes', { content: randomUUID() }, `safe-${randomUUID()}`)
          await tools.update('papers', 'paper', { title: 'Touched', draft: `${draft} ` })
          return ok({ isTouched: true })
        }
      }
    }),
  titles: action.input(seen).query(async ({ ctx: { tools } }) => {
    const found = await tools.query('papers', { limit: 100 })
    return found.success ? ok({ titles: found.data.records.map(({ data }) => data.title) }) : found
  }),
})
const touchLater = action.input(seen).mutation(async () => ok(null))
const registered = { ...actions, touchLater }

let built: Awaited<ReturnType<typeof builtConsole>>
let app: Awaited<ReturnType<typeof open>>
let url: string
const open = (folder: string) => createTestApp({ actions: registered, collections, console: { folder } })

const DRY_RUN = 'dry run of '

/** Everything that a viewer received. */
interface Received {
  readonly texts: string[]
  readonly answered: string[]
}

const post = (headers: Readonly<Record<string, string>>, body: object, method = 'POST') => ({
  method,
  headers: { ...headers, 'content-type': 'application/json' },
  body: JSON.stringify(body),
})

beforeAll(async () => {
  built = await builtConsole()
  app = await open(built.folder)
  await execute(app.database, app.databaseUrl, TABLES)
  url = await app.listen()
  const bearer = async (user: string, claims = {}) => ({
    authorization: `Bearer ${await app.token(user, claims)}`,
  })
  const owner = await bearer('owner')
  const bob = await bearer('bob', {
    name: 'Bob',
    email_verified: true,
    note: CANARIES['a field of a user'],
  })
  const does = async (path: string, headers: Readonly<Record<string, string>>, body: object) => {
    const answer = await fetch(url + path, post(headers, body))
    expect([path, answer.status, await answer.text()]).toMatchObject([path, 200, {}])
  }
  await does('/api/users/register', bob, {})
  await does('/api/users/register', await bearer('boss'), {})
  await does('/api/users/setRole', owner, { userId: 'boss', role: 'admin' })
  await does('/api/actions/hide', owner, {})
  await does('/api/records/papers', owner, {
    title: 'By records',
    draft: CANARIES['a field, by records'],
    apiKey: CANARIES['a secret field, by records'],
  })
  await does('/api/records/safes', owner, { content: CANARIES['a record, by records'] })
  await does('/api/records/diaries', bob, { page: CANARIES["another's record"] })
  // What the owner reads as the app is in the audit.
  for (const [collection, field, place] of [
    ['papers', 'draft', 'a field, by records'],
    ['papers', 'apiKey', 'a secret field, by records'],
    ['safes', 'content', 'a record, by records'],
    ['diaries', 'page', "another's record"],
  ] as const) {
    const list = async (more: string) => {
      const answer = await fetch(`${url}/api/data?collection=${collection}&${more}`, { headers: owner })
      expect([collection, field, answer.status]).toEqual([collection, field, 200])
      return (await answer.json()) as { readonly data: { readonly nextCursor: string | null } }
    }
    const is = { [field]: CANARIES[place] }
    const isNot = { NOT: { AND: [{ recordId: 'none' }, is] } }
    for (const where of [is, isNot]) await list(`where=${encodeURIComponent(JSON.stringify(where))}`)
    const order = `limit=1&orderBy=${field}&orderDir=asc`
    const { data } = await list(order)
    if (data.nextCursor !== null) await list(`${order}&cursor=${data.nextCursor}`)
  }
}, 120_000)
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await built[Symbol.asyncDispose]()
})

const RECORDS = ['users', 'papers', 'safes', 'diaries'] as const
const PARAMETERS: Readonly<Record<string, string>> = {
  '/api/credits/spending': '?by=user',
  '/api/audit': '?limit=200',
}
const WHERES = [{ draft: { contains: 'canary' } }, { content: { startsWith: '"' } }, { email: { ne: null } }]

/** Asks everything that there is to ask, as whom the headers say. */
async function askEverything(headers: Readonly<Record<string, string>>): Promise<Received> {
  const received: Received = { texts: [], answered: [] }
  const ask = async (path: string, init: RequestInit = {}) => {
    const answer = await fetch(url + path, { headers, redirect: 'manual', ...init })
    const body = await answer.text()
    const kind = new Headers(init.headers).has('deputy-dry-run') ? DRY_RUN : ''
    received.texts.push(`${kind}${path}\n${JSON.stringify([...answer.headers])}\n${body}`)
    if (answer.ok) received.answered.push(path)
    return body
  }
  const streams = await Promise.all(
    [
      ...RECORDS.map(
        (name) => `/trpc/records.${name}.live?input=${encodeURIComponent('{"json":{"limit":50}}')}`,
      ),
      `/trpc/records.papers.liveRecord?input=${encodeURIComponent('{"json":{"recordId":"paper"}}')}`,
      `/trpc/records.safes.liveRecord?input=${encodeURIComponent('{"json":{"recordId":"safe"}}')}`,
    ].map((path) => readStream(url + path, { headers })),
  )
  const shown = await readStream(`${url}/api/actions/titles`, { headers, input: {} })

  for (const { method, address } of PROCEDURE_ROUTES)
    if (method === 'GET') await ask(address.replace('{id}', 'none') + (PARAMETERS[address] ?? ''))
  const audited = await ask('/api/audit?limit=1')
  const cursor = /"nextCursor":"([^"]+)"/.exec(audited)?.[1]
  if (cursor) await ask(`/api/audit?limit=200&cursor=${encodeURIComponent(cursor)}`)
  const touched = await ask('/api/audit?action=touch&limit=10')
  for (const [, id = ''] of touched.matchAll(/"id":"([^"]+)"/g)) {
    await ask(`/api/audit/${id}`)
    await ask(`/trpc/audit.get?input=${encodeURIComponent(JSON.stringify({ json: { id } }))}`)
  }
  for (const [path, { kind }] of callablesOf(app.router))
    if (kind === 'query') await ask(`/trpc/${path}?input=${encodeURIComponent('{"json":{}}')}`)
  for (const name of RECORDS) {
    await ask(`/api/records/${name}?limit=1`)
    for (const id of ['paper', 'safe', 'bob']) await ask(`/api/records/${name}/${id}`)
    for (const order of ['title', 'draft', 'content', 'page', 'createdAt'])
      await ask(`/api/records/${name}?limit=1&orderBy=${order}`)
    for (const where of WHERES)
      await ask(`/api/records/${name}?where=${encodeURIComponent(JSON.stringify(where))}`)
  }
  // What changes something, or fails to: the answers and what they tell of writes.
  await ask('/api/records/papers/paper', post(headers, { title: 'Mine' }, 'PATCH'))
  await ask('/api/records/papers/paper', post(headers, { draft: 'never' }, 'PATCH'))
  await ask('/api/records/papers/paper', post(headers, { draft: 5 }, 'PATCH'))
  await ask('/api/records/safes/safe', post(headers, { content: 'Mine' }, 'PATCH'))
  await ask('/api/records/safes/safe', post(headers, { content: 'Mine' }, 'PUT'))
  await ask('/api/records/safes/safe', { method: 'DELETE' })
  for (const each of how.shape.how.options) {
    for (const more of [{ 'deputy-dry-run': 'true' }, {}])
      await ask('/api/actions/touch', post({ ...headers, ...more }, { how: each }))
    await ask('/trpc/actions.touch', post({ ...headers, 'x-deputy-writes': 'true' }, { json: { how: each } }))
  }
  await ask('/api/actions/hide', post({ ...headers, 'deputy-dry-run': 'true' }, {}))
  // What agents ask.
  const mcp = { ...headers, accept: 'application/json, text/event-stream' }
  for (const [method, params] of [
    [
      'initialize',
      { protocolVersion: '2025-06-18', capabilities: {}, clientInfo: { name: 't', version: '1' } },
    ],
    ['tools/list', {}],
    ['resources/list', {}],
    ['resources/templates/list', {}],
    ['resources/read', { uri: 'deputy://records/papers/paper' }],
    ['tools/call', { name: 'touch', arguments: { how: 'writes' } }],
  ] as const)
    await ask('/mcp', post(mcp, { jsonrpc: '2.0', id: 1, method, params }))
  // What describes the app, and the pages.
  for (const path of ['/', '/docs', '/openapi.json', '/readyz']) await ask(path)
  const page = await ask('/console')
  for (const [, asset = ''] of page.matchAll(/(?:src|href)="(\/console\/[^"]+)"/g)) await ask(asset)

  // Streams have seen what was changed meanwhile.
  if (received.answered.includes('/api/actions/touch'))
    await shown.until(({ answers }) => JSON.stringify(answers.at(-1)).includes('Touched'))
  for (const stream of [...streams, shown]) await keepAll(stream, received)
  return received
}

async function keepAll(stream: ReadStream, received: Received): Promise<void> {
  if (stream.status === 200) {
    received.answered.push('a stream')
    await stream.until(({ events, isClosed }) => events.length > 0 || isClosed)
  }
  stream.close()
  received.texts.push(`${stream.response.url}\n${stream.text}`)
}

/** The forms in which a text may hold another: as it is, which is that of JSON and of addresses, and within base64. */
function formsOf(mark: string): readonly string[] {
  const aligned = [0, 1, 2].map((before) => {
    const encoded = Buffer.from(`${'x'.repeat(before)}${mark}`).toString('base64')
    // The first and the last characters depend on what is around it.
    return encoded.slice(before === 0 ? 0 : 4, -4)
  })
  return [mark, Buffer.from(mark).toString('hex'), ...aligned]
}

function placesIn({ texts }: Received): readonly Place[] {
  return (Object.keys(CANARIES) as Place[]).filter((place) =>
    texts.some((each) => formsOf(markOf(CANARIES[place])).some((form) => each.includes(form))),
  )
}

const from = async (user: string, more: Readonly<Record<string, string>> = {}) => ({
  authorization: `Bearer ${await app.token(user)}`,
  ...more,
})
const VIEWERS: Readonly<Record<string, () => Promise<Readonly<Record<string, string>>>>> = {
  'a member': () => from('ada'),
  'an admin': () => from('boss'),
  'the owner as a member': () => from('owner', { 'deputy-act-as': 'ada' }),
  'no one': async () => ({}),
}

describe('what is hidden', () => {
  it.each(Object.entries(VIEWERS))('is in no byte that %s receives', async (_viewer, headersOf) => {
    const headers = await headersOf()
    const received = await askEverything(headers)
    expect(received.answered).toContain('/api/records/papers?limit=1')
    // A dry run that the owner asks for as someone else shows the owner all of it.
    const isOwners = (each: string) => headers['deputy-act-as'] !== undefined && each.startsWith(DRY_RUN)
    for (const each of received.texts.filter((one) => !isOwners(one))) {
      const there = placesIn({ ...received, texts: [each] })
      expect(there, each.slice(0, 4_000)).toEqual([])
    }
  })

  it('is received by the owner, but for what is secret', async () => {
    const received = await askEverything(await from('owner'))
    const { 'a secret field, by records': _secret, ...others } = CANARIES
    expect([...placesIn(received)].sort()).toEqual(Object.keys(others).sort())
  })

  it('is marked in the audit of what others wrote, beside what an admin may read', async () => {
    const boss = await from('boss')
    const title = `Mine ${randomUUID()}`
    for (const [user, data] of [
      ['boss', { title, draft: 'My own' }],
      ['owner', { title, draft: "The owner's" }],
      ['owner', { title, draft: 'x'.repeat(5_000) }],
    ] as const)
      await fetch(`${url}/api/records/papers`, post(await from(user), { ...data, apiKey: 'k' }))
    const listed = await fetch(`${url}/api/audit?action=records.papers.create&limit=3`, { headers: boss })
    const { data } = (await listed.json()) as { data: { entries: { input: string }[] } }
    expect(data.entries.map(({ input }) => JSON.parse(input))).toEqual([
      '[hidden]',
      { data: { title, draft: '[hidden]', apiKey: '[hidden]' } },
      { data: { title, draft: 'My own', apiKey: '[secret]' } },
    ])
  })

  it('is found in any form', () => {
    const mark = markOf(canary())
    for (const around of ['', 'a', 'ab', 'abc'])
      for (const encoding of ['base64', 'base64url', 'hex'] as const) {
        const encoded = Buffer.from(`{"${around}":"${mark}"}`).toString(encoding)
        expect(formsOf(mark).some((form) => encoded.includes(form))).toBe(true)
      }
    for (const encoded of [JSON.stringify(JSON.stringify({ mark })), encodeURIComponent(`"${mark}"`)])
      expect(formsOf(mark).some((form) => encoded.includes(form))).toBe(true)
  })
})
