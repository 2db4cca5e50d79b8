import { inspect } from 'node:util'
import { actionRegistry, ok } from 'deputyjs'
import { SuperJSON } from 'superjson'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Issue } from '../../server/core/result.ts'
import { action } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'
import { AT, CASES, OTHERS } from '../wire/zod-kinds.ts'
import { post } from './send.ts'

const superjson = new SuperJSON()
/** As text, so that a Map, a Date and a bigint can be told apart on every transport. */
const shown = (value: unknown) => inspect(value, { depth: 20 })
const actions = Object.fromEntries(
  CASES.map(({ name, schema }) => [
    name,
    action.input(z.strictObject({ v: schema })).mutation(async ({ input }) => ok(shown(input.v))),
  ]),
)

const newApp = () => createTestApp({ actions: actionRegistry(actions) })
let app: Awaited<ReturnType<typeof newApp>>
let url: string
let token: string
beforeAll(async () => {
  app = await newApp()
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(() => app[Symbol.asyncDispose]())

type Read = { readonly value: string } | { readonly issues: readonly Issue[] }

const asJson = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_key, inner) => (typeof inner === 'bigint' ? String(inner) : inner)))

async function overRest(name: string, v: unknown): Promise<Read> {
  const { json } = await post(`${url}/api/actions/${name}`, { token, body: JSON.stringify(asJson({ v })) })
  return json.success ? { value: String(json.data) } : { issues: (json.issues ?? []) as Issue[] }
}

async function overTrpc(name: string, v: unknown): Promise<Read> {
  const body = JSON.stringify(superjson.serialize({ v }))
  const { json } = await post(`${url}/trpc/actions.${name}`, { token, body })
  const { result, error } = json as { result?: { data: never }; error?: never }
  if (result) return { value: superjson.deserialize<{ data: string }>(result.data).data }
  const { data } = superjson.deserialize<{ data: { issues: Issue[] | null } }>(error as never)
  return { issues: data.issues ?? [] }
}

async function inProcess(name: string, v: unknown): Promise<Read> {
  const caller = app.createCaller({ token }).actions as unknown as Record<
    string,
    (input: unknown) => Promise<{ data: string }>
  >
  try {
    return { value: (await caller[name]?.({ v }))?.data ?? '' }
  } catch (error) {
    return { issues: (error as { cause?: { issues?: Issue[] } }).cause?.issues ?? [] }
  }
}

describe('what is sent is read the same', () => {
  it.each(CASES)('for $name, as JSON on every transport', async ({ name, values }) => {
    for (const value of [...values, ...OTHERS].map(asJson)) {
      const read = await overRest(name, value)
      expect(await overTrpc(name, value), shown(value)).toEqual(read)
      expect(await inProcess(name, value), shown(value)).toEqual(read)
    }
  })

  it.each(CASES)('for $name, as its JSON and with its types', async ({ name, values }) => {
    for (const value of values) {
      const typed = await overTrpc(name, value)
      expect(await inProcess(name, value), shown(value)).toEqual(typed)
      // What is refused with its types may well be right as text, such as a date for a schema of text.
      if ('value' in typed) expect(await overRest(name, value), shown(value)).toEqual(typed)
    }
  })

  it.each(CASES.filter(({ asText }) => asText))('for $name, as text where it may be text', async (each) => {
    for (const value of each.asText ?? []) {
      expect(await overTrpc(each.name, value)).toEqual({ value: shown(value) })
      expect(await overRest(each.name, value)).toEqual({ value: shown(asJson(value)) })
    }
  })
})

it('more than 50 000 values are refused on every transport, with their place', async () => {
  const values = Array.from({ length: 50_000 }, () => 1)
  const refused = {
    issues: [{ path: ['v', 49_998], message: 'There are too many values: at most 50000 are allowed.' }],
  }
  expect(await overRest('any0', values)).toMatchObject(refused)
  expect(await overTrpc('any0', values)).toMatchObject(refused)
  expect(await inProcess('any0', values)).toMatchObject(refused)
  expect(await overRest('any0', values.slice(2))).toHaveProperty('value')
})

it('a refusal never asks for what was sent', async () => {
  // One of them takes the text apart, and refuses its letters.
  for (const { name } of CASES.filter(({ name }) => name !== 'set1')) {
    for (const value of [AT.toISOString(), '12']) {
      const read = await overRest(name, value)
      const messages =
        'issues' in read
          ? read.issues
              .filter(({ path }) => path.length === 1)
              .map(({ message }) => message)
              .join()
          : ''
      if (value === '12') expect(messages, name).not.toContain('decimal digits')
      else expect(messages, name).not.toContain('date and time with a zone')
    }
  }
})

it('every class of schema that zod has is among them', () => {
  const classes = Object.entries(z.core).filter(
    ([name]) => /^\$Zod[A-Z]/.test(name) && !/^\$Zod(?:Check|Registry$|.*Error$)/.test(name),
  )
  expect(classes.length).toBeGreaterThan(60)
  const missing = classes.filter(([, of]) => !CASES.some(({ schema }) => schemaIs(schema, of)))
  expect(missing.map(([name]) => name)).toEqual([])
})

function schemaIs(schema: unknown, of: unknown): boolean {
  return typeof of === 'function' && schema instanceof of
}
