import { expect, test } from 'vitest'
import { readBearer } from '../../server/auth/authentication.ts'

test('an absent header is no attempt to sign in', () => {
  expect(readBearer(undefined)).toEqual({ kind: 'none' })
})

test.each([
  ['Bearer a.b.c', 'a.b.c'],
  ['bearer a.b.c', 'a.b.c'],
  ['BEARER   a-_~+/1==', 'a-_~+/1=='],
])('%j carries a token', (header, token) => {
  expect(readBearer(header)).toEqual({ kind: 'token', token })
})

test.each([
  '',
  'Bearer',
  'Bearer ',
  'Bearera.b.c',
  'Bearer\ta.b.c',
  ' Bearer a.b.c',
  'Bearer a.b.c ',
  'Bearer a.b.c\n',
  'Bearer a b',
  'Bearer a.b.c, Bearer d.e.f',
  'Bearer a.b.c,d.e.f',
  'Bearer "a.b.c"',
  'Bearer a=b',
  'Bearer =',
  'Bearer ä',
  'Basic YTpi',
  'Digest a',
  'a.b.c',
])('%j is malformed', (header) => {
  expect(readBearer(header)).toEqual({ kind: 'malformed' })
})
