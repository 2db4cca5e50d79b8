import { expect, test } from 'vitest'
import { parseTokenArguments } from '../../server/auth/token-arguments.ts'

test.each([
  ['ada', { userId: 'ada', expiresInSeconds: 43_200, claims: {} }],
  ['ada --expires 30s', { userId: 'ada', expiresInSeconds: 30, claims: {} }],
  ['ada --expires=15m', { userId: 'ada', expiresInSeconds: 900, claims: {} }],
  ['--expires 12h ada', { userId: 'ada', expiresInSeconds: 43_200, claims: {} }],
  ['ada --expires 7d', { userId: 'ada', expiresInSeconds: 604_800, claims: {} }],
  [
    'ada --email ada@example.com',
    { userId: 'ada', expiresInSeconds: 43_200, claims: { email: 'ada@example.com', email_verified: true } },
  ],
  ['-- -ada', { userId: '-ada', expiresInSeconds: 43_200, claims: {} }],
])('%j is read', (line, value) => {
  expect(parseTokenArguments(line.split(' '))).toEqual({ ok: true, value })
})

test.each([
  ['', 'USER must be'],
  ['ada eve', 'One USER is needed; there are 2'],
  ['__proto__', 'USER must be'],
  ['ada --expires 12', '--expires must be'],
  ['ada --expires 0s', '--expires must be'],
  ['ada --expires -1s', '--expires'],
  ['ada --expires 1.5h', '--expires must be'],
  ['ada --expires 1w', '--expires must be'],
  ['ada --expires 9999999d', '--expires must be'],
  ['ada --expires', '--expires'],
  ['ada --email', '--email'],
  ['ada --email ada', '--email must be an email address'],
  ['ada --admin', '--admin'],
])('%j is refused', (line, problem) => {
  expect(parseTokenArguments(line.split(' '))).toEqual({
    ok: false,
    problem: expect.stringContaining(problem),
  })
})

test('no arguments at all are refused', () => {
  expect(parseTokenArguments([])).toEqual({ ok: false, problem: 'One USER is needed; there are 0.' })
})
