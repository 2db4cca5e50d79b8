import { expect, test } from 'vitest'
import { parseAuditCommand } from '../../server/audit/command-arguments.ts'

test.each([
  [['prune', '--older-than', '90d'], { kind: 'prune', olderThanSeconds: 90 * 86_400 }],
  [['prune', '--older-than=12h'], { kind: 'prune', olderThanSeconds: 12 * 3_600 }],
  [['prune', '--older-than', '36500d'], { kind: 'prune', olderThanSeconds: 36_500 * 86_400 }],
  [['erase', '--user', 'Ada Lovelace'], { kind: 'erase', userId: 'Ada Lovelace' }],
  [['erase', '--user=--ada'], { kind: 'erase', userId: '--ada' }],
  [['list'], { kind: 'list', actor: undefined, action: undefined, limit: 50 }],
  [
    ['list', '--actor', 'ada', '--action', 'createEvent', '--limit', '10000'],
    { kind: 'list', actor: 'ada', action: 'createEvent', limit: 10_000 },
  ],
])('%j is understood', (args, value) => {
  expect(parseAuditCommand(args)).toEqual({ ok: true, value })
})

test.each([
  [[], 'A command is needed; commands are prune, erase and list'],
  [['purge'], 'There is no command "purge"'],
  [['a\nb'], 'There is no command "a\\u{a}b"'],
  [['prune'], '--older-than must be'],
  [['prune', '--older-than'], '--older-than'],
  [['prune', '--older-than', '0d'], '--older-than must be'],
  [['prune', '--older-than', '90'], '--older-than must be'],
  [['prune', '--older-than', '3m'], '--older-than must be'],
  [['prune', '--older-than', '1.5d'], '--older-than must be'],
  [['prune', '--older-than', '36501d'], 'at most 36500d'],
  [['prune', '--older-than', '90d', '--older-than', '1h'], '--older-than may be given once only'],
  [['prune', '--older-than', '90d', 'now'], 'now'],
  [['prune', '--older-than', '90d', 'a\u2028b'], 'a\\u{2028}b'],
  [['prune', '--user', 'ada'], '--user'],
  [['erase'], "--user must be a user's id"],
  [['erase', '--user', ''], "--user must be a user's id"],
  [['erase', '--user', 'a\u2028b'], "--user must be a user's id"],
  [['list', '--limit', '0'], '--limit must be'],
  [['list', '--limit', '10001'], '--limit must be'],
  [['list', '--limit', 'all'], '--limit must be'],
  [['list', '--actor', ''], 'must not be empty'],
])('%j is refused with a reason', (args, reason) => {
  expect(parseAuditCommand(args)).toEqual({ ok: false, problem: expect.stringContaining(reason) })
})
