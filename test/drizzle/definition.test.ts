import { integer, text, varchar } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { collection } from '../../drizzle/engine/collection.ts'
import { DefinitionError } from '../../server/core/errors.ts'

describe('a collection is not defined', () => {
  it.each([
    ['fields whose names make one column', { imageUrl: text(), imageURL: text() }, '"image_url"'],
    ['a field under the column name of another', { title: text(), label: text('title') }, '"title"'],
    ['a field under the column name of the system', { made: text('created_at') }, '"created_at"'],
    ['a column name that Postgres would cut', { long: text('x'.repeat(64)) }, '63 bytes'],
    [
      'a default that its field cannot hold',
      { code: varchar({ length: 2 }).default('abc') },
      'at most 2 characters',
    ],
    ['a default out of range', { size: integer().default(2 ** 31) }, 'has a default that it cannot hold'],
  ])('with %s', (_what, fields, sentence) => {
    const define = () => collection('things', fields)
    expect(define).toThrow(DefinitionError)
    expect(define).toThrow(sentence)
  })
})
