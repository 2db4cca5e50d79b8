import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { z } from 'zod'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { RawClient } from './raw-client.ts'

const note = z.object({ note: z.string() })
/** Each level has the one below twice: written out, it would be as large as a disk. */
let levels: z.ZodType = note
for (let level = 0; level < 40; level += 1) levels = z.object({ one: levels, other: levels.optional() })
const inLevels = (inner: unknown, left = 40): unknown =>
  left === 0 ? inner : inLevels({ one: inner }, left - 1)

/** What actions may say that they answer with, with one answer of each. */
const OUTPUTS: Readonly<Record<string, readonly [z.ZodType, unknown]>> = {
  nothing: [z.void(), undefined],
  undefinedAlone: [z.undefined(), undefined],
  optionalObject: [note.optional(), undefined],
  optionalObjectThere: [note.optional(), { note: 'a' }],
  optionalList: [z.array(z.string()).optional(), undefined],
  optionalListThere: [z.array(z.string()).optional(), ['a']],
  unionWithNothing: [z.union([note, z.undefined()]), undefined],
  nullable: [note.nullable(), null],
  nullish: [note.nullish(), undefined],
  nullAlone: [z.null(), null],
  text: [z.string(), 'a'],
  union: [z.union([note, z.number()]), 5],
  choice: [z.discriminatedUnion('kind', [z.object({ kind: z.literal('a') })]), { kind: 'a' }],
  map: [z.record(z.string(), z.number()), { a: 1 }],
  date: [z.object({ at: z.date() }), { at: new Date(0) }],
  amount: [z.bigint(), 5n],
  anything: [z.unknown(), undefined],
  anythingThere: [z.unknown(), { any: ['thing'] }],
  levels: [levels, inLevels({ note: 'a' })],
  loose: [z.looseObject({}), { more: 1 }],
}

const actions = Object.fromEntries(
  Object.entries(OUTPUTS).flatMap(([name, [output, answer]]) => {
    const declared = action.input(z.strictObject({})).output(output)
    const plain = declared.meta({ agent: { description: name } }).mutation(async () => ok(answer))
    const confirmed = declared
      .meta({ dryRun: 'caller', agent: { description: name, confirm: true } })
      .mutation(async () => ok(answer))
    return [
      [name, plain],
      [`${name}Confirmed`, confirmed],
    ]
  }),
)

let app: Awaited<ReturnType<typeof createTestApp>>
let url: string
let client: Client
beforeAll(async () => {
  app = await createTestApp({ actions })
  url = await app.listen()
  client = new Client({ name: 'test', version: '1' }, {})
  const headers = { authorization: `Bearer ${await app.token('ada')}` }
  await client.connect(new StreamableHTTPClientTransport(new URL(`${url}/mcp`), { requestInit: { headers } }))
  // From now on it holds each answer against the schema of its tool.
  await client.listTools()
})
afterAll(async () => {
  await client.close()
  await app[Symbol.asyncDispose]()
})

it.each(Object.keys(OUTPUTS))(
  'what is declared and what is answered are one for the library’s client: %s',
  async (name) => {
    const plain = await client.callTool({ name, arguments: {} })
    expect(plain.isError).toBeUndefined()
    const shown = await client.callTool({ name: `${name}Confirmed`, arguments: {} })
    const { confirmation } = shown.structuredContent as { confirmation: string }
    const done = await client.callTool({ name: `${name}Confirmed`, arguments: { confirmation } })
    expect(done.structuredContent).toEqual(plain.structuredContent)
  },
)

it('what answers nothing has no result, and null is one', async () => {
  const agent = new RawClient(url, await app.token('ada'))
  expect((await agent.call('nothing')).structuredContent).toEqual({})
  expect((await agent.call('optionalObjectThere')).structuredContent).toEqual({ result: { note: 'a' } })
  expect((await agent.call('nullable')).structuredContent).toEqual({ result: null })
})
