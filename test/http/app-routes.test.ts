import { Hono } from 'hono'
import { expect, it } from 'vitest'
import type { Routes } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

async function open(routes: Routes | undefined) {
  const app = await createTestApp({ routes: routes ?? (() => new Hono()) })
  const url = await app.listen()
  return {
    async get(path: string) {
      const answer = await fetch(url + path)
      return { status: answer.status, text: await answer.text(), headers: answer.headers, logged: app.logged }
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

it.each([
  ['get', '/api'],
  ['get', '/api/anything'],
  ['post', '/api/jobs/retry'],
  ['all', '/trpc/*'],
  ['get', '/healthz'],
  ['get', '/readyz/deep'],
  ['get', '/console'],
  ['get', '/docs'],
  ['get', '/docs/mine'],
  ['get', '/openapi.json'],
] as const)(
  'the start refuses a route of the app’s at an address of the engine’s (%s %s)',
  async (method, path) => {
    const routes: Routes = () => new Hono()[method](path, (c) => c.text('never'))
    await expect(open(routes)).rejects.toThrow(
      `server/routes.ts serves ${method.toUpperCase()} ${path}, but /api, /console, /docs, /openapi.json, /trpc, /healthz, /readyz, /mcp, /.well-known/oauth-protected-resource and all below them are the engine’s.`,
    )
  },
)

it.each(['/apis', '/hooks/api', '/:name', '/*', '/:first/:second'])('it takes one at %s', async (path) => {
  await using app = await open(() => new Hono().get(path, (c) => c.text('mine')))
  const at = path.replace('/*', '/any').replaceAll(/:\w+/g, 'x')
  expect(await app.get(at)).toMatchObject({ status: 200, text: 'mine' })
})

it('the front page says what this is and where its documentation is, in two lines', async () => {
  await using app = await open(undefined)
  const { status, text, headers } = await app.get('/')
  expect(status).toBe(200)
  expect(headers.get('content-type')).toMatch(/^text\/plain/)
  expect(text.trim().split('\n')).toEqual([
    expect.stringContaining('This is a Deputy server'),
    expect.stringContaining('documentation'),
  ])
})

it.each(['/', '/*'])('the front page is the app’s where it serves %s', async (path) => {
  await using app = await open(() => new Hono().get(path, (c) => c.text('mine')))
  expect(await app.get('/')).toMatchObject({ status: 200, text: 'mine' })
})

it('a route is given what ctx.env shows, and leaves a line in the log', async () => {
  await using app = await open(({ env }) => new Hono().get('/mail/:name', (c) => c.text(env.MAIL_FROM, 202)))
  const { text, logged, headers } = await app.get('/mail/ada?secret=1')
  expect(text).toContain('@')
  const line = logged.find(({ msg }) => msg === 'Route')
  expect(line).toMatchObject({
    level: 30,
    requestId: headers.get('x-request-id'),
    method: 'GET',
    route: '/mail/:name',
    status: 202,
    durationMs: expect.any(Number),
    msg: 'Route',
  })
})

it.each(['/', '/nothing'])('%s, which no route serves, leaves no line', async (path) => {
  await using app = await open(undefined)
  const { logged } = await app.get(path)
  expect(logged.filter(({ msg }) => msg === 'Route')).toEqual([])
})

it('an internal error names its request in the body and in the log, with its cause', async () => {
  await using app = await open(() =>
    new Hono().get('/broken', () => {
      throw new Error('outer', { cause: new Error('the inner cause') })
    }),
  )
  const { status, text, headers, logged } = await app.get('/broken')
  expect(status).toBe(500)
  expect(JSON.parse(text)).toMatchObject({ details: { requestId: headers.get('x-request-id') } })
  const line = logged.find(({ level }) => level === 50)
  expect(line).toMatchObject({ requestId: headers.get('x-request-id') })
  expect(line?.err).toMatchObject({ stack: expect.stringContaining('the inner cause') })
})
