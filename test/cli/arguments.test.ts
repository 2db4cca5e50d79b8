import { describe, expect, test } from 'vitest'
import { parse } from './parse.ts'

const GRANT = ['credits', 'grant', '--account', 'ada', '--amount', '5', '--key', 'k1']

describe('a command line', () => {
  test.each([
    [['audit', 'prune', '--older-than', '90d'], 'prune', { olderThan: 90 * 86_400 }],
    [['audit', 'prune', '--older-than=12h'], 'prune', { olderThan: 12 * 3_600 }],
    [['audit', 'prune', '--older-than', '36500d'], 'prune', { olderThan: 36_500 * 86_400 }],
    [['audit', 'erase', '--user', 'Ada Lovelace'], 'erase', { user: 'Ada Lovelace' }],
    [['audit', 'erase', '--user=--ada'], 'erase', { user: '--ada' }],
    [['audit', 'list'], 'list', {}],
    [
      ['audit', 'list', '--actor', 'ada', '--action', 'createEvent', '--limit', '10000'],
      'list',
      { actor: 'ada', action: 'createEvent', limit: 10_000 },
    ],
    [['credits', 'balance'], 'balance', {}],
    [['credits', 'balance', '--account', 'Ada Lovelace'], 'balance', { account: 'Ada Lovelace' }],
    [GRANT, 'grant', { account: 'ada', amount: 5, key: 'k1' }],
    [
      ['credits', 'grant', '--key=a.b:c~d-e_f', '--amount=9000000000000000', '--account=--ada'],
      'grant',
      { account: '--ada', amount: 9e15, key: 'a.b:c~d-e_f' },
    ],
    [
      ['credits', 'statement', '--account', 'ada', '--limit', '10000'],
      'statement',
      { account: 'ada', limit: 10_000 },
    ],
    [['token', 'ada'], 'token', {}],
    [['token', 'ada', '--expires', '30s'], 'token', { expires: 30 }],
    [['token', '--expires=15m', 'ada'], 'token', { expires: 900 }],
    [['token', 'ada', '--expires', '7d'], 'token', { expires: 604_800 }],
    [['token', 'ada', '--email', 'ada@example.com'], 'token', { email: 'ada@example.com' }],
  ])('%j is understood', async (line, command, options) => {
    expect(await parse(line)).toMatchObject({ command, options })
  })

  test('takes a user whose id begins with a dash after two dashes', async () => {
    expect(await parse(['token', '--', '-ada'])).toMatchObject({ args: ['-ada'] })
  })

  test.each([
    [[], 'Commands:'],
    [['constructor'], "unknown command 'constructor'"],
    [['purge\n'], "unknown command 'purge\\u{a}'"],
    [['audit'], 'Usage: deputy audit'],
    [['audit', 'purge'], "unknown command 'purge'"],
    [['audit', 'a\nb'], "unknown command 'a\\u{a}b'"],
    [['audit', 'prune'], '--older-than'],
    [['audit', 'prune', '--older-than'], '--older-than'],
    [['audit', 'prune', '--older-than', '0d'], 'It must be a whole number of hours or days'],
    [['audit', 'prune', '--older-than', '90'], 'It must be a whole number of hours or days'],
    [['audit', 'prune', '--older-than', '3m'], 'It must be a whole number of hours or days'],
    [['audit', 'prune', '--older-than', '1.5d'], 'It must be a whole number of hours or days'],
    [['audit', 'prune', '--older-than', '36501d'], 'at most 36500d'],
    [['audit', 'prune', '--older-than', '90d', '--older-than', '1h'], 'It may be given once only'],
    [['audit', 'prune', '--older-than', '90d', 'now'], 'too many arguments'],
    [['audit', 'prune', '--older-than=a\u2028b'], 'a\\u{2028}b'],
    [['audit', 'prune', '--older-than', '1h', '--user', 'ada'], "unknown option '--user'"],
    [['audit', 'erase'], '--user'],
    [['audit', 'erase', '--user', ''], "It must be a user's id"],
    [['audit', 'erase', '--user', 'a\u2028b'], "It must be a user's id"],
    [['audit', 'list', '--limit', '0'], 'It must be a whole number from 1 to 10000'],
    [['audit', 'list', '--limit', '10001'], 'It must be a whole number from 1 to 10000'],
    [['audit', 'list', '--limit', 'all'], 'It must be a whole number from 1 to 10000'],
    [['audit', 'list', '--actor', ''], 'It must not be empty'],
    [['credits', 'spend'], "unknown command 'spend'"],
    [['credits', 'balance', '--account', ''], "It must be a user's id"],
    [['credits', 'balance', 'ada'], 'too many arguments'],
    [['credits', 'balance', '--limit', '5'], "unknown option '--limit'"],
    [['credits', 'statement'], '--account'],
    [['credits', 'statement', '--account', 'a\u2028b'], "It must be a user's id"],
    [['credits', 'statement', '--account', 'ada', '--limit', '0'], 'It must be a whole number from 1 to'],
    [['credits', 'grant'], '--account'],
    [['credits', 'grant', '--account', '__proto__'], "It must be a user's id"],
    [GRANT.slice(0, 4), '--amount'],
    [GRANT.slice(0, 6), '--key'],
    [[...GRANT, '--amount', '6'], 'It may be given once only'],
    [['token'], "missing required argument 'user'"],
    [['token', ''], "It must be a user's id"],
    [['token', 'ada', 'eve'], 'too many arguments'],
    [['token', '__proto__'], "It must be a user's id"],
    [['token', 'ada', '--expires', '12'], 'as in 30s, 15m, 12h or 7d'],
    [['token', 'ada', '--expires', '0s'], 'as in 30s, 15m, 12h or 7d'],
    [['token', 'ada', '--expires', '-1s'], 'as in 30s, 15m, 12h or 7d'],
    [['token', 'ada', '--expires', '1.5h'], 'as in 30s, 15m, 12h or 7d'],
    [['token', 'ada', '--expires', '1w'], 'as in 30s, 15m, 12h or 7d'],
    [['token', 'ada', '--expires', '9999999d'], 'as in 30s, 15m, 12h or 7d'],
    [['token', 'ada', '--expires'], '--expires'],
    [['token', 'ada', '--email', 'ada'], 'It must be an email address'],
    [['token', 'ada', '--admin'], "unknown option '--admin'"],
  ])('%j is refused with a reason', async (line, reason) => {
    expect(await parse(line)).toEqual({ problem: expect.stringContaining(reason) })
  })
})

test.each([
  '',
  '0',
  '-1',
  '+5',
  '05',
  '0.5',
  '5.0',
  '1e3',
  '1_000',
  '5 ',
  '٥',
  'NaN',
  '9000000000000001',
  '99999999999999999999',
])('an amount of %j is refused', async (amount) => {
  const line = ['credits', 'grant', '--account', 'ada', `--amount=${amount}`, '--key', 'k']
  expect(await parse(line)).toEqual({
    problem: expect.stringContaining('It must be a whole number of micro-credits'),
  })
})

test.each(['', 'a/b', 'start/OWNER_CREDITS/owner', 'a,b', 'a b', 'k'.repeat(256)])(
  'a key of %j is refused',
  async (key) => {
    const line = ['credits', 'grant', '--account', 'ada', '--amount', '5', `--key=${key}`]
    expect(await parse(line)).toEqual({ problem: expect.stringContaining('It must be 1 to 255 letters') })
  },
)
