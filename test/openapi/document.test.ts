import { createConfig, lintFromString } from '@redocly/openapi-core'
import { actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { JsonObject } from '../../server/core/result.ts'
import { PROCEDURE_ROUTES } from '../../server/http/procedure-routes.ts'
import { Components } from '../../server/openapi/components.ts'
import { integrationPaths } from '../../server/openapi/integrations.ts'
import { action, internalAction } from '../fixture/deputy.ts'
import { get, post } from '../http/send.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

let app: TestApp
let url: string
let document: JsonObject & { readonly paths: Record<string, Record<string, JsonObject>> }
beforeAll(async () => {
  app = await createTestApp()
  url = await app.listen()
  document = JSON.parse(app.openApi().text)
})
afterAll(() => app[Symbol.asyncDispose]())

describe('the document of an app', () => {
  it('passes a linter without a warning', async () => {
    const config = await createConfig({
      extends: ['recommended'],
      // An app says nowhere under which licence it may be called.
      rules: { 'info-license': 'off', 'info-license-url': 'off' },
    })
    const problems = await lintFromString({ source: app.openApi().text, config })
    expect(problems.map(({ ruleId, message, location }) => [ruleId, message, location[0]?.pointer])).toEqual(
      [],
    )
  })

  it('is the same text for the same app', async () => {
    await using other = await createTestApp()
    expect(other.openApi().text).toBe(app.openApi().text)
    expect(app.openApi()).toBe(app.openApi())
  })

  it('has every action that clients can call, and no other', () => {
    const names = Object.keys(document.paths).flatMap(
      (path) => /^\/api\/actions\/(.+)$/.exec(path)?.[1] ?? [],
    )
    expect(names).toEqual(
      app.actions.all
        .filter(({ definition }) => !definition.isInternal)
        .map(({ name }) => name)
        .sort(),
    )
  })

  it('has every route of the table, and every collection', () => {
    for (const { address, method } of PROCEDURE_ROUTES)
      expect(Object.keys(document.paths[address] ?? {})).toContain(method.toLowerCase())
    for (const collection of app.engine.catalog.keys()) {
      expect(Object.keys(document.paths[`/api/records/${collection}`] ?? {})).toEqual(['get', 'post'])
      expect(Object.keys(document.paths[`/api/records/${collection}/{recordId}`] ?? {})).toEqual([
        'get',
        'put',
        'patch',
        'delete',
      ])
    }
  })

  it('says what is sent to an action, and what it answers', () => {
    const schemas = (document.components as JsonObject).schemas as JsonObject
    expect(schemas['output.cancelEvent']).toEqual({
      type: 'object',
      properties: { attendees: { type: 'integer', minimum: 0, maximum: Number.MAX_SAFE_INTEGER } },
      required: ['attendees'],
      additionalProperties: false,
    })
    const { post: operation } = document.paths['/api/actions/cancelEvent'] ?? {}
    expect(operation).toMatchObject({
      operationId: 'actions.cancelEvent',
      requestBody: {
        required: true,
        content: { 'application/json': { schema: { $ref: '#/components/schemas/input.cancelEvent' } } },
      },
      parameters: [
        { $ref: '#/components/parameters/Deputy-Act-As' },
        { name: 'Idempotency-Key', in: 'header', required: false },
        { name: 'Deputy-Tell-Writes', in: 'header', required: false },
      ],
    })
  })

  it('says to which collection a field refers', () => {
    type Described = { properties: { data: { properties: JsonObject } } }
    const { schemas } = document.components as unknown as { schemas: Record<string, Described> }
    const dataOf = (name: string) => schemas[`record.${name}`]?.properties.data.properties
    expect(dataOf('attendees')).toMatchObject({ eventId: { type: 'string', 'x-references': 'events' } })
    expect(JSON.stringify(dataOf('events'))).not.toContain('x-references')
  })

  it('leaves nothing open of the fixture', () => {
    expect(app.openApi().gaps).toEqual([])
  })

  it('names what cannot be said, of what and where, and holds no internal action', async () => {
    const odd = z.strictObject({ list: z.array(z.strictObject({ at: z.custom() })) })
    const actions = actionRegistry({
      odd: action
        .input(odd)
        .output(z.string().transform((text) => text.length))
        .mutation(async () => ok('x')),
      inside: internalAction.input(odd).mutation(async () => ok('x')),
    })
    await using other = await createTestApp({ actions })
    expect(other.openApi().gaps).toEqual([
      { of: 'the input of action "odd"', path: 'list[].at', reason: expect.stringContaining('z.custom') },
      { of: 'the output of action "odd"', path: '', reason: expect.stringContaining('a transform') },
    ])
    expect(other.openApi().text).not.toContain('inside')
  })
})

describe('a schema that is used twice at each of many levels', () => {
  it('is described once, and held to', async () => {
    let levels: z.ZodType = z.strictObject({ at: z.date() })
    for (let level = 0; level < 30; level += 1)
      levels = z.strictObject({ one: levels.optional(), other: levels.optional() })
    const deep = action
      .input(z.strictObject({ levels }))
      .output(levels)
      .mutation(async ({ input }) => ok(input.levels))
    await using other = await createTestApp({ actions: actionRegistry({ deep }) })
    const plain = await createTestApp({ actions: actionRegistry({}) })
    await using _ = plain
    expect(other.openApi().text.length - plain.openApi().text.length).toBeLessThan(100_000)
    expect(other.openApi().gaps).toEqual([])
    const token = await other.token('ada')
    const address = `${await other.listen()}/api/actions/deep`
    const sent = { one: { other: { one: {} } } }
    const answer = await post(address, { token, body: JSON.stringify({ levels: sent }) })
    expect([answer.status, answer.json]).toEqual([200, { success: true, data: sent }])
    const refused = await post(address, { token, body: '{"levels":{"one":{"odd":1}}}' })
    expect(refused.status).toBe(400)
  })
})

describe('what authors say of a schema', () => {
  it('is there in the words of JSON Schema, and nothing else of it', async () => {
    const said = {
      description: 'A title',
      examples: ['Tea'],
      secret: true,
      internalNote: 'hunter2',
      id: 'title',
    }
    const odd = z.custom<string>(() => true).meta({ type: 'string', internalNote: 'hunter2' })
    const actions = actionRegistry({
      odd: action.input(z.strictObject({ title: z.string().meta(said), odd })).mutation(async () => ok('x')),
    })
    await using other = await createTestApp({ actions })
    const { text } = other.openApi()
    expect(text).toContain('"A title"')
    expect(text).not.toMatch(/hunter2|internalNote|"secret"/)
  })
})

describe('integrations whose names have dots', () => {
  it('are each described by their own schema', () => {
    const schemas = new Map<string, z.ZodType>([
      ['a/b.c', z.object({ one: z.string() })],
      ['a.b/c', z.object({ two: z.string() })],
      ['credits/grant', z.object({ three: z.string() })],
    ])
    const each = (name: string, ...endpoints: string[]) =>
      ({
        name,
        clients: 'users',
        billing: 'developer',
        endpoints: endpoints.map((one) => ({ name: one })),
      }) as never
    const components = new Components()
    const paths = integrationPaths(components, {
      inputSchema: (id) => schemas.get(id),
      publicIntegrations: () => [each('a', 'b.c'), each('a.b', 'c'), each('credits', 'grant'), each('list')],
    })
    const operations = Object.values(paths).flatMap(
      (item) => Object.values(item as JsonObject) as JsonObject[],
    )
    const ids = operations.map(({ operationId }) => operationId)
    expect(new Set(ids).size).toBe(ids.length)
    const text = JSON.stringify(components.schemas)
    for (const field of ['one', 'two', 'three']) expect(text).toContain(`"${field}":{"type":"string"}`)
    expect(() => components.describe('x', z.string(), 'input', 'x')).not.toThrow()
    expect(() => components.describe('x', z.number(), 'input', 'x')).toThrow('are named x')
  })
})

describe('GET /openapi.json', () => {
  const readAs = async (apiDocs: 'public' | 'users' | 'off') => {
    const other = await createTestApp({ apiDocs })
    return { other, address: `${await other.listen()}/openapi.json` }
  }

  it('is for everyone where the documents are public', async () => {
    const { other, address } = await readAs('public')
    await using _ = other
    const answer = await get(address)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.text).toBe(other.openApi().text)
    const again = await get(address, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } })
    expect([again.status, again.text]).toEqual([304, ''])
    expect((await post(address)).status).toBe(405)
    expect((await get(`${address}/more`)).status).toBe(404)
  })

  it('is for users otherwise: a stranger learns nothing, of what is there or not', async () => {
    const token = await app.token('ada')
    for (const path of ['/openapi.json', '/openapi.json/more'])
      for (const sent of [{}, { token: 'no' }]) expect((await get(url + path, sent)).status).toBe(401)
    expect((await post(`${url}/openapi.json`)).status).toBe(401)
    const answer = await get(`${url}/openapi.json`, { token })
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'private, no-cache'])
    expect(answer.text).toBe(app.openApi().text)
  })

  it('is as if nothing were there where it is off', async () => {
    const { other, address } = await readAs('off')
    await using _ = other
    const nothing = await get(address.replace('openapi.json', 'nothing'))
    for (const answer of [await get(address), await get(address, { token: await other.token('owner') })])
      expect([answer.status, answer.text]).toEqual([404, nothing.text])
  })
})
