import { afterAll, beforeAll, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
let headers: Record<string, string>

beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
  headers = { authorization: `Bearer ${await app.token('owner')}`, 'content-type': 'application/json' }
})
afterAll(() => app[Symbol.asyncDispose]())

/** To a client `query` and the like say how a procedure is called; the rest every function has, and so every path. */
const TAKEN: readonly string[] = [
  'query',
  'mutate',
  'subscribe',
  'then',
  ...Object.getOwnPropertyNames(Function.prototype),
  ...Object.getOwnPropertyNames(Object.prototype),
]

it('no procedure has a name that means something to a client already', () => {
  const paths = Object.keys(app.router._def.procedures)
  expect(paths.length).toBeGreaterThan(25)
  expect(paths.filter((path) => path.split('.').some((name) => TAKEN.includes(name)))).toEqual([])
})

it.each(['records.events.query', 'audit.query', 'integrations.call'])('%s is 404', async (path) => {
  const asked = await fetch(`${url}/trpc/${path}?input=${encodeURIComponent('{"json":{}}')}`, { headers })
  const posted = await fetch(`${url}/trpc/${path}`, { method: 'POST', headers, body: '{"json":{}}' })
  expect([asked.status, posted.status]).toEqual([404, 404])
})
