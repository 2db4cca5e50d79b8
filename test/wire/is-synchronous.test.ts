import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { isSynchronous } from '../../server/wire/is-synchronous.ts'

interface Tree {
  readonly name: string
  readonly children: readonly Tree[]
}
const tree: z.ZodType<Tree> = z.lazy(() => z.strictObject({ name: z.string(), children: z.array(tree) }))
const asyncTree: z.ZodType<unknown> = z.lazy(() =>
  z.strictObject({ name: z.string().refine(async () => true), children: z.array(asyncTree) }),
)
const waits = async () => true

describe('a schema without functions of the app is synchronous', () => {
  it.each([
    ['text', z.string().min(1).max(20)],
    ['formats', z.strictObject({ email: z.email(), id: z.uuid(), url: z.url(), day: z.iso.date() })],
    ['numbers', z.tuple([z.number().int().positive(), z.bigint().max(9n), z.int32()])],
    ['a nested one', z.array(z.record(z.string(), z.union([z.date(), z.null()])))],
    ['a default', z.strictObject({ limit: z.number().default(50).optional() })],
    ['a discriminated union', z.discriminatedUnion('kind', [z.strictObject({ kind: z.literal('a') })])],
    ['a recursive one', tree],
  ])('%s', (_title, schema) => {
    expect(isSynchronous(schema)).toBe(true)
  })
})

describe('a schema that may have to wait is not', () => {
  it.each([
    ['a refine', z.string().refine(waits)],
    ['a refine in an object', z.strictObject({ a: z.array(z.string().refine(waits)) })],
    ['a refine of an object', z.strictObject({ a: z.string() }).refine(waits)],
    ['a check', z.string().check(() => {})],
    ['a transform', z.string().transform(async (text) => text)],
    ['a preprocess', z.preprocess(async (value) => value, z.string())],
    ['a codec', z.codec(z.string(), z.number(), { decode: Number, encode: String })],
    ['a format of its own', z.stringFormat('odd', waits)],
    ['a custom one', z.custom(() => true)],
    ['a promise', z.promise(z.string())],
    ['a key that is checked', z.record(z.string().refine(waits), z.string())],
    ['the rest of a tuple', z.tuple([z.string()], z.string().refine(waits))],
    ['what is caught', z.string().refine(waits).catch('')],
    ['a recursive one', asyncTree],
  ])('%s', (_title, schema) => {
    expect(isSynchronous(schema)).toBe(false)
  })
})
