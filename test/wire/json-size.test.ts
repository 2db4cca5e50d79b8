import { describe, expect, it } from 'vitest'
import { findOversize, parseJson } from '../../server/wire/parse-json.ts'

const bytes = (text: string) => Buffer.from(text)
const DEEP = 400_000
const WIDE = 300_000

describe('a JSON text that is too large to be parsed', () => {
  it.each([
    ['arrays in arrays', '['.repeat(DEEP) + ']'.repeat(DEEP), 'Nesting is too deep'],
    ['objects in objects', `${'{"a":'.repeat(DEEP)}1${'}'.repeat(DEEP)}`, 'Nesting is too deep'],
    ['many numbers', `[${'0,'.repeat(WIDE)}0]`, 'too many values'],
    ['many empty arrays', `[${'[],'.repeat(WIDE)}0]`, 'too many values'],
    ['many keys', `{${Array.from({ length: WIDE }, (_, n) => `"${n}":0`).join()}}`, 'too many values'],
    ['many texts', `[${'"",'.repeat(WIDE)}""]`, 'too many values'],
  ])('is refused before it is: %s', (_what, text, message) => {
    expect(findOversize(bytes(text))?.message).toContain(message)
    expect(parseJson(bytes(text))).toMatchObject({ ok: false })
  })

  it.each([
    ['a long text', JSON.stringify('[{,'.repeat(WIDE))],
    ['a text of quotes and backslashes', JSON.stringify('\\"[,'.repeat(WIDE))],
    ['as many values as an input may have', `[${'0,'.repeat(49_998)}0]`],
    ['a text that begins somewhere in the middle', `["${'語'.repeat(WIDE)}",[[[]]]]`],
  ])('is not mistaken for it: %s', (_what, text) => {
    expect(findOversize(bytes(text))).toBeUndefined()
    expect(parseJson(bytes(text))).toMatchObject({ ok: true })
  })
})
