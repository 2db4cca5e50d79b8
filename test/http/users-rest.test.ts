import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
})
afterAll(() => app[Symbol.asyncDispose]())

const where = (value: unknown) => `where=${encodeURIComponent(JSON.stringify(value))}`

describe('users over REST', () => {
  const at = async (method: string, path: string, user?: string, body?: string) => {
    const response = await fetch(`${url}/api/users${path}`, {
      method,
      headers: {
        ...(user === undefined ? {} : { authorization: `Bearer ${await app.token(user, { name: user })}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    })
    return { status: response.status, json: await response.json() }
  }

  it('register, list and tell who one is', async () => {
    expect((await at('GET', '/me')).status).toBe(401)
    expect(await at('GET', '/me', 'rest-ada')).toMatchObject({
      json: { data: { user: null, role: 'member' } },
    })
    expect((await at('POST', '/register', 'rest-ada')).status).toBe(200)
    expect(await at('GET', '/me', 'rest-ada')).toMatchObject({
      json: { data: { userId: 'rest-ada', user: { recordId: 'rest-ada', data: { name: 'rest-ada' } } } },
    })
    expect(await at('GET', `?${where({ recordId: 'rest-ada' })}`, 'rest-bob')).toMatchObject({
      status: 200,
      json: { data: { records: [{ data: { name: 'rest-ada', imageUrl: null } }] } },
    })
    const role = JSON.stringify({ userId: 'rest-ada', role: 'admin' })
    expect((await at('POST', '/setRole', 'rest-ada', role)).status).toBe(403)
    expect((await at('POST', '/setRole', 'owner', role)).status).toBe(200)
    expect((await at('GET', '/me', 'rest-ada')).json).toMatchObject({ data: { role: 'admin' } })
  })

  it.each([
    ['GET', '/register', 405],
    ['POST', '/me', 405],
    ['GET', '/nobody', 404],
    ['GET', '/', 404],
    ['GET', '?limit=0', 400],
    ['GET', '/me?x=1', 400],
  ])('refuse %s %s with %i', async (method, path, status) => {
    expect((await at(method, path, 'rest-ada')).status).toBe(status)
  })
})
