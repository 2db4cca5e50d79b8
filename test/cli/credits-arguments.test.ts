import { expect, test } from 'vitest'
import { parseCreditsCommand } from '../../server/ledger/command-arguments.ts'

const GRANT = ['grant', '--account', 'ada', '--amount', '5', '--key', 'k1']

test.each([
  [['balance'], { kind: 'balance', account: undefined }],
  [['balance', '--account', 'Ada Lovelace'], { kind: 'balance', account: 'Ada Lovelace' }],
  [GRANT, { kind: 'grant', account: 'ada', amount: 5, key: 'k1' }],
  [
    ['grant', '--key=a.b:c~d-e_f', '--amount=9000000000000000', '--account=--ada'],
    { kind: 'grant', account: '--ada', amount: 9e15, key: 'a.b:c~d-e_f' },
  ],
  [['statement', '--account', 'ada'], { kind: 'statement', account: 'ada', limit: 50 }],
  [
    ['statement', '--account', 'ada', '--limit', '10000'],
    { kind: 'statement', account: 'ada', limit: 10_000 },
  ],
])('%j is understood', (args, value) => {
  expect(parseCreditsCommand(args)).toEqual({ ok: true, value })
})

test.each([
  [[], 'A command is needed; commands are balance, grant and statement.'],
  [['spend'], 'There is no command "spend"'],
  [['a\nb'], 'There is no command "a\\u{a}b"'],
  [['constructor'], 'There is no command "constructor"'],
  [['balance', '--account', ''], "--account must be a user's id"],
  [['balance', 'ada'], 'ada'],
  [['balance', '--limit', '5'], '--limit'],
  [['statement'], "--account must be a user's id"],
  [['statement', '--account', 'a\u2028b'], "--account must be a user's id"],
  [['statement', '--account', 'ada', '--limit', '0'], '--limit must be'],
  [['statement', '--account', 'ada', '--limit', '10001'], '--limit must be'],
  [['grant'], "--account must be a user's id"],
  [['grant', '--account', '__proto__'], "--account must be a user's id"],
  [['grant', '--account', 'ada'], '--amount must be a whole number of micro-credits'],
  [GRANT.slice(0, 5), '--key must be 1 to 255 letters'],
  [[...GRANT, '--amount', '6'], '--amount may be given once only'],
])('%j is refused with a reason', (args, reason) => {
  expect(parseCreditsCommand(args)).toEqual({ ok: false, problem: expect.stringContaining(reason) })
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
])('an amount of %j is refused', (amount) => {
  const args = ['grant', '--account', 'ada', `--amount=${amount}`, '--key', 'k']
  expect(parseCreditsCommand(args)).toMatchObject({ problem: expect.stringContaining('--amount must be') })
})

test.each(['', 'a/b', 'start/OWNER_CREDITS/owner', 'a,b', 'a b', 'k'.repeat(256)])(
  'a key of %j is refused',
  (key) => {
    const args = ['grant', '--account', 'ada', '--amount', '5', `--key=${key}`]
    expect(parseCreditsCommand(args)).toMatchObject({ problem: expect.stringContaining('--key must be') })
  },
)
