import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Notes, openNotes } from './hidden.ts'

let app: Notes
let url: string
beforeAll(async () => {
  app = await openNotes()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const PROTECTED = [
  ['recordId', 'x'],
  ['record_id', 'x'],
  ['createdBy', 'eve'],
  ['created_by', 'eve'],
  ['createdAt', '2030-01-01T00:00:00Z'],
  ['created_at', '2030-01-01T00:00:00Z'],
  ['updatedAt', '2030-01-01T00:00:00Z'],
  ['version', 99],
  ['role', 'admin'],
  ['owner_id', 'eve'],
  ['secret', 'hidden'],
  ['data', { title: 'nested' }],
  ['record', { data: { title: 'nested' } }],
  ['constructor', {}],
  ['toString', 'x'],
  ['getSQL', 'x'],
  ['enableRLS', true],
] as const

async function send(method: string, path: string, body: string) {
  const response = await fetch(`${url}/api/records/notes${path}`, {
    method,
    headers: { authorization: `Bearer ${await app.token('ada')}`, 'content-type': 'application/json' },
    body,
  })
  return { status: response.status, json: await response.json() }
}

const countOf = async () => {
  const { rows } = await app.database.query({ sql: 'select count(*), sum(version) from notes', params: [] })
  return String(rows[0])
}

const own = { title: 'mine', ownerId: 'ada' }

describe.each(PROTECTED)('the key "%s"', (key, value) => {
  it.each([
    ['POST', ''],
    ['PUT', '/free-id'],
    ['PUT', '/ada-1'],
    ['PATCH', '/ada-1'],
  ])('is refused by %s %s, and nothing is written', async (method, path) => {
    await app.execute(
      `insert into notes (record_id, owner_id, title) values ('ada-1', 'ada', 'mine') on conflict do nothing`,
    )
    const before = await countOf()
    const { status, json } = await send(method, path, JSON.stringify({ ...own, [key]: value }))
    expect([status, json]).toMatchObject([400, { success: false, code: 'BAD_REQUEST' }])
    expect(JSON.stringify(json)).toContain(key)
    expect(await countOf()).toBe(before)
  })
})

it('a key named __proto__ is refused', async () => {
  const { status } = await send('POST', '', '{"title":"t","ownerId":"ada","__proto__":{"secret":"x"}}')
  expect(status).toBe(400)
})

it('a field that may be read but not written is FORBIDDEN, null included', async () => {
  for (const status of ['done', null]) {
    const answer = await send('POST', '', JSON.stringify({ ...own, status }))
    expect(answer).toMatchObject(
      status === null ? { json: { success: false } } : { status: 403, json: { code: 'FORBIDDEN' } },
    )
  }
})

it('such keys within a JSON field are data', async () => {
  const payload = { createdBy: 'eve', role: 'admin', version: 1, nested: { record_id: 'x' } }
  const ada = await app.as('ada')
  const created = await ada.records.notes.create({ data: { ...own, payload } as never })
  if (!created.success) throw new Error(created.error)
  const read = await ada.records.notes.get(created.data)
  expect(read.success && read.data.record).toMatchObject({ createdBy: 'ada', version: 1, data: { payload } })
})

describe('the system-managed fields of users', () => {
  it('are written by no one through records', async () => {
    const ada = await app.as('ada', { name: 'Ada' })
    await ada.users.register()
    const records = ada.records.users as unknown as Record<string, (input: unknown) => Promise<unknown>>
    for (const field of ['email', 'name', 'imageUrl', 'role']) {
      for (const value of ['admin', null]) {
        const writes = [
          records.update?.({ recordId: 'ada', patch: { [field]: value } }),
          records.create?.({ recordId: 'ada', data: { [field]: value } }),
          records.create?.({ data: { [field]: value } }),
        ]
        for (const result of await Promise.all(writes)) expect(result).toMatchObject({ code: 'FORBIDDEN' })
      }
    }
    expect(await ada.users.me()).toMatchObject({ data: { role: 'member', user: { version: 1 } } })
  })
})

describe('roles', () => {
  it('are set by admins and the owner alone, to roles that there are', async () => {
    const [owner, ada, eve] = await Promise.all(['owner', 'role-ada', 'role-eve'].map((user) => app.as(user)))
    if (!owner || !ada || !eve) throw new Error('Nobody is there')
    for (const caller of [ada, eve]) await caller.users.register()
    const toAdmin = { userId: 'role-ada', role: 'admin' }
    expect(await ada.users.setRole(toAdmin)).toMatchObject({ code: 'FORBIDDEN' })
    expect(await owner.users.setRole({ userId: 'role-ada', role: 'king' })).toMatchObject({
      code: 'BAD_REQUEST',
      error: 'There is no role "king"; roles are viewer, member, admin.',
    })
    expect(await owner.users.setRole({ userId: 'nobody', role: 'admin' })).toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await owner.users.setRole(toAdmin)).toEqual({ success: true, data: toAdmin })
    // The next call knows, and the next after the role is gone again.
    expect(await ada.users.me()).toMatchObject({ data: { role: 'admin' } })
    expect(await ada.users.setRole({ userId: 'role-eve', role: 'viewer' })).toMatchObject({ success: true })
    expect(await ada.records.notes.list()).toMatchObject({ success: true })
    expect(await ada.users.setRole({ userId: 'role-ada', role: 'member' })).toMatchObject({ success: true })
    expect(await ada.users.setRole(toAdmin)).toMatchObject({ code: 'FORBIDDEN' })
    expect(await eve.records.notes.list()).toMatchObject({ code: 'FORBIDDEN' })
  })

  it('leave the owner what they are', async () => {
    const owner = await app.as('owner')
    await owner.users.register()
    expect(await owner.users.setRole({ userId: 'owner', role: 'member' })).toMatchObject({
      code: 'FORBIDDEN',
    })
    await app.execute(`update users set role = 'viewer' where record_id = 'owner'`)
    expect(await owner.users.me()).toMatchObject({ data: { role: 'admin', isOwner: true } })
    expect(await owner.records.notes.list()).toMatchObject({ success: true })
  })
})
