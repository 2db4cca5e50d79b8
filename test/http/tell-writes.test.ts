import { randomUUID } from 'node:crypto'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Handler, openRehearsal, type Rehearsal } from '../invocation/dry-run-app.ts'
import { post } from './send.ts'

// limits.md: told
let app: Rehearsal
let url: string
/** What happens once a call has committed, before it is told what it wrote. */
let afterCommit: () => Promise<void> = async () => {}
beforeAll(async () => {
  app = await openRehearsal({
    failpoint: (name) => (name === 'after-commit' ? afterCommit() : undefined),
    corsOrigins: ['https://app.example.com'],
  })
  url = await app.app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())
beforeEach(() => {
  afterCommit = async () => {}
})

const TELL = { 'deputy-tell-writes': 'true' }

/** Calls the action with a handler over REST, and asks what it wrote. */
async function told(by: string, handler: Handler, headers: Readonly<Record<string, string>> = {}) {
  const answer = await post(`${url}/api/actions/open`, {
    token: await app.app.token(by),
    headers: { ...TELL, ...headers },
    body: JSON.stringify({ id: app.keep(handler) }),
  })
  return answer.headers.get('deputy-writes')
}

/** Calls several handlers in one batch over tRPC. */
async function toldInBatch(by: string, handlers: readonly Handler[]) {
  const inputs = handlers.map((handler, at) => [at, { json: { id: app.keep(handler) } }])
  return post(`${url}/trpc/${handlers.map(() => 'actions.open').join(',')}?batch=1`, {
    token: await app.app.token(by),
    headers: TELL,
    body: JSON.stringify(Object.fromEntries(inputs)),
  })
}

/** A note that somebody has made. */
async function note(by: string, isPublic = false): Promise<string> {
  const id = randomUUID()
  await app.run(({ tools }) => tools.create('notes', { title: id, isPublic }, id), { by })
  return id
}

const setRole = (user: string, role: string) =>
  app.change(`insert into users (record_id, created_at, updated_at, role) values ('${user}', now(), now(), '${role}')
    on conflict (record_id) do update set role = excluded.role`)

describe('an answer', () => {
  it('tells what the call wrote where the request asks for it, and nothing where it does not', async () => {
    const id = randomUUID()
    const create: Handler = ({ tools }) => tools.create('notes', { title: 'n' }, id)
    expect(await told('ada', create)).toBe(`notes/${id}`)
    const silent = await post(`${url}/api/actions/open`, {
      token: await app.app.token('ada'),
      body: JSON.stringify({ id: app.keep(create) }),
    })
    expect(silent).toMatchObject({ status: 200 })
    expect(silent.headers.get('deputy-writes')).toBeNull()
  })

  it('tells nothing where nothing was written, and where the call has failed', async () => {
    expect(await told('ada', async () => ok(null))).toBeNull()
    const fails: Handler = async ({ tools }) => {
      await tools.create('notes', { title: 'n' })
      return tools.remove('notes', 'none')
    }
    expect(await told('ada', fails)).toBeNull()
  })

  it('is refused with any other value of the header', async () => {
    expect(
      await post(`${url}/api/actions/open`, {
        token: await app.app.token('ada'),
        headers: { 'deputy-tell-writes': 'yes' },
        body: JSON.stringify({ id: app.keep(async () => ok(null)) }),
      }),
    ).toMatchObject({ status: 400, json: { error: expect.stringContaining('must be true') } })
  })

  it('tells a dry run nothing: nothing was written', async () => {
    const create: Handler = ({ tools }) => tools.create('notes', { title: 'n' })
    expect(await told('ada', create, { 'deputy-dry-run': 'true' })).toBeNull()
  })

  it('can be read by pages of other origins, which may ask for it', async () => {
    const origin = 'https://app.example.com'
    const asked = await fetch(`${url}/api/actions/open`, {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST' },
    })
    expect(asked.headers.get('access-control-allow-headers')).toContain('deputy-tell-writes')
    const answer = await fetch(`${url}/health`, { headers: { origin } })
    expect(answer.headers.get('access-control-expose-headers')).toContain('deputy-writes')
  })
})

describe('what is told', () => {
  it('is what the caller may read, of whatever was written', async () => {
    const [mine, open, hidden] = [await note('ada'), await note('bob', true), await note('bob')]
    const rename: Handler = async ({ tools }) => {
      await tools.create('vaults', { content: 'x' })
      for (const id of [mine, open, hidden]) await tools.update('notes', id, { title: 't' })
      return ok(null)
    }
    expect(await told('ada', rename)).toBe(
      [mine, open]
        .map((id) => `notes/${id}`)
        .sort()
        .join(' '),
    )
    expect(await told('owner', rename)).toMatch(new RegExp(`notes/${hidden}.* vaults/`))
  })

  it('is what the caller could read before it was removed or hidden', async () => {
    const [mine, open, hidden] = [await note('ada'), await note('bob', true), await note('bob')]
    const hide: Handler = ({ tools }) => tools.update('notes', open, { isPublic: false })
    expect(await told('ada', hide)).toBe(`notes/${open}`)
    const removed: Handler = async ({ tools }) => {
      for (const id of [mine, open, hidden]) await tools.remove('notes', id)
      return ok(null)
    }
    expect(await told('ada', removed)).toBe(`notes/${mine}`)
  })

  it.each([
    ['plain', (title: string) => ({ title })],
    ['search', (title: string) => ({ title: { contains: title } })],
  ] as const)('is the same of writes by a %s condition', async (_kind, where) => {
    const title = randomUUID()
    const make = (by: string, id: string, isPublic: boolean) =>
      app.run(({ tools }) => tools.create('notes', { title, isPublic }, id), { by })
    const [mine, open, hidden] = [randomUUID(), randomUUID(), randomUUID()]
    await make('ada', mine, false)
    await make('bob', open, true)
    await make('bob', hidden, false)
    const both = [mine, open].map((id) => `notes/${id}`).sort()
    const parts = (text: string | null) => (text ?? '').split(' ').sort()
    const hide: Handler = ({ tools }) => tools.updateWhere('notes', where(title), { isPublic: false })
    expect(parts(await told('ada', hide))).toEqual(both)
    const remove: Handler = ({ tools }) => tools.deleteWhere('notes', where(title))
    expect(await told('ada', remove)).toBe(`notes/${mine}`)
  })

  it('is nothing of a record that the call itself has shown and hidden again', async () => {
    const hidden = await note('bob')
    const flicker: Handler = async ({ tools }) => {
      await tools.update('notes', hidden, { isPublic: true })
      await tools.update('notes', hidden, { isPublic: false })
      return ok(null)
    }
    expect(await told('ada', flicker)).toBeNull()
    const removed: Handler = async ({ tools }) => {
      await tools.update('notes', hidden, { isPublic: true })
      return tools.deleteWhere('notes', { recordId: hidden })
    }
    expect(await told('ada', removed)).toBeNull()
  })

  it('goes by the role that the caller has when it is told', async () => {
    const user = randomUUID()
    const fill: Handler = ({ tools }) => tools.create('vaults', { content: 'x' })
    await setRole(user, 'admin')
    expect(await told(user, fill)).toMatch(/^vaults\//)
    afterCommit = () => setRole(user, 'member')
    expect(await told(user, fill)).toBeNull()
    afterCommit = () => setRole(user, 'admin')
    expect(await told(user, fill)).toMatch(/^vaults\//)
  })

  it('is the same of what a caller writes as themselves', async () => {
    const id = await note('ada')
    const token = await app.app.token('ada')
    const send = (method: string, body?: unknown) =>
      fetch(`${url}/api/records/notes/${id}`, {
        method,
        headers: { ...TELL, authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }).then((answer) => answer.headers.get('deputy-writes'))
    expect(await send('PATCH', { pages: 5 })).toBe(`notes/${id}`)
    expect(await send('DELETE')).toBe(`notes/${id}`)
  })

  it('is whatever there may be of the app’s own SQL and of a replay', async () => {
    expect(await told('ada', ({ tools }) => tools.sql(async () => 1))).toBe('*')
    const [id, key] = [app.keep(({ tools }) => tools.create('notes', { title: 'n' })), randomUUID()]
    const sending = {
      token: await app.app.token('ada'),
      headers: { ...TELL, 'idempotency-key': key },
      body: JSON.stringify({ id }),
    }
    expect((await post(`${url}/api/actions/open`, sending)).headers.get('deputy-writes')).toMatch(/^notes\//)
    const again = await post(`${url}/api/actions/open`, sending)
    expect(again.headers.get('deputy-writes')).toBe('*')
  })

  it('is bounded: the collection alone, once there are many records', async () => {
    const many: Handler = async ({ tools }) => {
      for (let at = 0; at < 11; at += 1) await tools.create('notes', { title: 'n' })
      return tools.create('shelves', {}, `a shelf/${'ü,*'}`)
    }
    expect(await told('ada', many)).toBe('notes shelves/a%20shelf%2F%C3%BC%2C*')
    const long: Handler = async ({ tools }) => {
      for (let at = 0; at < 10; at += 1) await tools.create('notes', { title: 'n' })
      return ok(null)
    }
    expect(await told('ada', long)).toBe('notes')
  })

  it('counts only what the caller may read', async () => {
    const [first, ...rest] = await Promise.all(Array.from({ length: 12 }, () => note('bob')))
    const shown = await note('bob', true)
    const write: Handler = async ({ tools }) => {
      for (const id of [...rest, shown, first ?? '']) await tools.update('notes', id, { pages: 2 })
      return ok(null)
    }
    expect(await told('ada', write)).toBe(`notes/${shown}`)
  })
})

describe('a batch', () => {
  const create =
    (id: string): Handler =>
    ({ tools }) =>
      tools.create('notes', { title: 'n' }, id)

  it('has a slot for each of its calls', async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    const answer = await toldInBatch('ada', [create(one), async () => ok(null), create(two)])
    expect(answer.headers.get('deputy-writes')).toBe(`notes/${one},,notes/${two}`)
    const none = await toldInBatch('ada', [async () => ok(null)])
    expect(none.headers.get('deputy-writes')).toBeNull()
  })

  it('has them with tRPC’s own adapter and in an answer that is written in pieces', async () => {
    const id = randomUUID()
    const failing: Handler = async () => {
      throw new Error('Not today')
    }
    const inputs = { 0: { json: { id: app.keep(failing) } }, 1: { json: { id: app.keep(create(id)) } } }
    const { headers: streamed } = await fetch(`${url}/trpc/actions.open,actions.open?batch=1`, {
      method: 'POST',
      headers: {
        ...TELL,
        authorization: `Bearer ${await app.app.token('ada')}`,
        'content-type': 'application/json',
        'trpc-accept': 'application/jsonl',
      },
      body: JSON.stringify(inputs),
    })
    expect(streamed.get('deputy-writes')).toBe(`,notes/${id}`)
  })
})
