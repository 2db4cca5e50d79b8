import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

interface Member {
  readonly result?: { readonly data: { readonly json: unknown } }
  readonly error?: { readonly json: { readonly data: { readonly code: string } } }
}

/** Sends queries as one batch, and gives the code of each: `ok` or what it failed with. */
async function batch(paths: readonly string[], token?: string): Promise<string[]> {
  const inputs = Object.fromEntries(paths.map((_path, at) => [at, { json: { recordId: 'x' } }]))
  const query = `batch=1&input=${encodeURIComponent(JSON.stringify(inputs))}`
  const response = await fetch(`${url}/trpc/${paths.join(',')}?${query}`, {
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  })
  const members = (await response.json()) as readonly Member[]
  return members.map(({ result, error }) => {
    const data = result?.data.json as { readonly code?: string } | undefined
    return error?.json.data.code ?? data?.code ?? 'ok'
  })
}

const PATHS = ['records.events.get', 'actions.listAttendees', 'actions.nothing', 'records.nothing.get']

describe('a batch', () => {
  it('of nobody is answered where nobody may ask, and tells of no action', async () => {
    expect(await batch(PATHS)).toEqual(['NOT_FOUND', 'UNAUTHORIZED', 'UNAUTHORIZED', 'NOT_FOUND'])
  })

  it('of somebody is answered call by call', async () => {
    expect(await batch(PATHS, await app.token('ada'))).toEqual([
      'NOT_FOUND',
      'BAD_REQUEST',
      'NOT_FOUND',
      'NOT_FOUND',
    ])
  })

  it('with a bad token is refused whole, whatever it asks for', async () => {
    expect(await batch([...PATHS, 'nothing', 'users.me'], 'not.a.token')).toEqual(
      Array.from({ length: 6 }, () => 'UNAUTHORIZED'),
    )
  })
})

describe('a procedure of a collection', () => {
  it.each([
    ['get', {}],
    ['get', { recordId: 1 }],
    ['get', { recordId: 'x', more: 1 }],
    ['count', { were: {} }],
    ['list', []],
  ])('%s refuses %j', async (verb, input) => {
    const text = encodeURIComponent(JSON.stringify({ json: input }))
    const response = await fetch(`${url}/trpc/records.events.${verb}?input=${text}`)
    expect(response.status).toBe(400)
  })

  it('that writes is not called with GET', async () => {
    const response = await fetch(`${url}/trpc/records.events.remove?input={"json":{"recordId":"x"}}`)
    expect(response.status).toBe(405)
  })
})

describe('plain JSON', () => {
  it('says the dates that a list and a count compare with, of users too', async () => {
    const ada = await app.as('ada', { name: 'Ada' })
    await ada.users.register()
    const token = await app.token('ada')
    const ask = async (path: string, where: unknown) => {
      const text = encodeURIComponent(JSON.stringify({ json: { where } }))
      const response = await fetch(`${url}/trpc/${path}?input=${text}`, {
        headers: { authorization: `Bearer ${token}` },
      })
      const { result } = (await response.json()) as Member
      return { status: response.status, answer: result?.data.json }
    }
    const past = { createdAt: { gte: '2020-01-01T00:00:00Z' } }
    const future = { OR: [{ createdAt: { gte: '9999-01-01T00:00:00Z' } }] }
    expect(await ask('users.list', { recordId: 'ada', ...past })).toMatchObject({
      answer: { data: { records: [{ recordId: 'ada' }] } },
    })
    for (const path of ['users.list', 'records.events.list'])
      expect(await ask(path, future)).toMatchObject({ answer: { success: true, data: { records: [] } } })
    const { answer } = await ask('records.events.count', future)
    expect(answer).toMatchObject({ success: true, data: { count: 0 } })
    expect(await ask('records.events.count', past)).toMatchObject({ answer: { success: true } })
    for (const path of ['users.list', 'records.events.list', 'records.events.count'])
      expect((await ask(path, { createdAt: { gte: 'tomorrow' } })).answer).toMatchObject({
        success: false,
        code: 'BAD_REQUEST',
      })
  })
})

describe('users', () => {
  it('are known to whoever is signed in', async () => {
    const nobody = app.createCaller()
    for (const call of [nobody.users.me, nobody.users.register, nobody.users.list])
      await expect(call()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
    const forged = app.createCaller({ token: 'not.a.token' })
    await expect(forged.records.events.list()).rejects.toMatchObject({ code: 'UNAUTHORIZED' })
  })
})
