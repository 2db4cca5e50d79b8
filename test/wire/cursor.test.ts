import fc from 'fast-check'
import { expect, it } from 'vitest'
import { z } from 'zod'
import {
  decodeCursor,
  decodeInstantCursor,
  encodeCursor,
  encodeInstantCursor,
  positionText,
} from '../../server/wire/cursor.ts'

const SCOPE = { list: 'events', filters: { from: new Date(0), actor: undefined } }
const schema = z.tuple([positionText.nullable(), z.int()])
const position = fc.tuple(
  fc.option(fc.string({ unit: 'grapheme' }).filter((text) => !text.includes('\0'))),
  fc.maxSafeInteger(),
)

it('a cursor tells where its page ended, to its own list and filters alone', () => {
  fc.assert(
    fc.property(position, (end) => {
      const cursor = encodeCursor(SCOPE, end)
      expect(cursor).toMatch(/^[\w-]+$/)
      expect(decodeCursor({ list: 'events', filters: { from: new Date(0) } }, schema, cursor)).toEqual(end)
      expect(decodeCursor({ ...SCOPE, list: 'attendees' }, schema, cursor)).toBeUndefined()
      expect(decodeCursor({ ...SCOPE, filters: { from: new Date(1) } }, schema, cursor)).toBeUndefined()
    }),
  )
})

it('a cursor of which a character was changed is refused', () => {
  const cursor = encodeCursor(SCOPE, ['ä', 7])
  for (const at of cursor.split('').keys()) {
    for (const other of 'Aa0_') {
      const changed = cursor.slice(0, at) + other + cursor.slice(at + 1)
      if (changed !== cursor)
        expect([changed, decodeCursor(SCOPE, schema, changed)]).toEqual([changed, undefined])
    }
  }
})

it('a cursor whose position is none of its list is refused', () => {
  for (const end of [[], ['x'], ['x', 1, 1], [1, 1], ['x', '1'], ['x', 0.5], ['a\0', 1], ['\ud800', 1]])
    expect([end, decodeCursor(SCOPE, schema, encodeCursor(SCOPE, end))]).toEqual([end, undefined])
})

it('an instant is told to the millisecond', () => {
  const end = { at: new Date('2026-02-28T09:30:00.123Z'), id: 'e1' }
  expect(decodeInstantCursor(SCOPE, encodeInstantCursor(SCOPE, end))).toEqual(end)
  expect(decodeInstantCursor(SCOPE, encodeCursor(SCOPE, ['2026-02-30T09:30:00Z', 'e1']))).toBeUndefined()
})
