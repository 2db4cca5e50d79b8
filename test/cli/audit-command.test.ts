import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { migrateEmbedded } from '../../server/db/migrate.ts'
import { openPglite, type PgliteDatabase } from '../../server/db/pglite.ts'
import { runDeputy } from '../lifecycle/process.ts'
import { insertAudit } from '../support/audit-rows.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

// The first opening of a directory makes its database, which takes far longer than the next ones.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const DAY_MS = 86_400_000
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString()
const detail = { input: '{"title":"Launch"}', ip: '203.0.113.7' }

const directory = await dataDirectory()
afterAll(() => directory[Symbol.asyncDispose]())

async function inDatabase<T>(use: (database: PgliteDatabase) => Promise<T>): Promise<T> {
  const database = await openPglite({ directory: directory.path })
  return use(database).finally(() => database.close())
}

beforeAll(() =>
  inDatabase(async (database) => {
    await migrateEmbedded(database, { migrations: MIGRATIONS, tables: TABLES })
    await insertAudit(database, undefined, [
      { id: 'old', at: daysAgo(91), detail },
      { id: 'ada', at: daysAgo(3), detail },
      {
        id: 'bill',
        at: daysAgo(2),
        actor: 'bill',
        action: 'hostile',
        outcome: 'FORBIDDEN',
        writes: [{ op: 'update', collection: 'events', recordId: 'a\nb\u2028c\u202ed\u001b[2Je\\' }],
        detail,
      },
    ])
  }),
)

async function audit(args: readonly string[], env: Record<string, string> = {}) {
  const { output, ended } = await runDeputy(['audit', ...args], { DATA_DIR: directory.path, ...env })
  return { ...(await ended), ...output }
}

const rowsOf = (text: string) => inDatabase(async ({ engine }) => (await engine.query(text)).rows)

describe('deputy audit', () => {
  test('list prints a line per entry, newest first, which nothing in it can break', async () => {
    const { code, stdout, stderr } = await audit(['list'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.split('\n')
    expect(lines.pop()).toBe('')
    expect(lines.map((line) => line.split('\t').slice(1))).toEqual([
      [
        'FORBIDDEN',
        'hostile',
        'bill',
        'rest',
        '1',
        '12ms',
        'update events/a\\u{a}b\\u{2028}c\\u{202e}d\\u{1b}[2Je\\u{5c}',
        'request-bill',
      ],
      ['OK', 'createEvent', 'ada', 'rest', '1', '12ms', '', 'request-ada'],
      ['OK', 'createEvent', 'ada', 'rest', '1', '12ms', '', 'request-old'],
    ])
    expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t/)
  })

  test.each([
    [['--actor', 'bill'], ['request-bill']],
    [['--action', 'createEvent', '--limit', '1'], ['request-ada']],
    [['--actor=ada', '--action=hostile'], []],
  ])('list %j prints no others', async (args, requests) => {
    const { code, stdout } = await audit(['list', ...args])
    expect(code).toBe(0)
    expect([...stdout.matchAll(/request-\w+/g)].map(([request]) => request)).toEqual(requests)
  })

  test('prune removes what is older, erase what is personal, and both leave an entry', async () => {
    const pruned = await audit(['prune', '--older-than', '90d'])
    expect(pruned).toMatchObject({ code: 0, stderr: '' })
    expect(pruned.stdout).toMatch(/^Removed 1 entries and 1 details from before \S+Z in \S+\.\n$/)
    const erased = await audit(['erase', '--user', 'ada'])
    expect(erased).toMatchObject({ code: 0, stdout: `Erased 1 details of ada in ${directory.path}.\n` })

    expect(await rowsOf('select id from deputy.audit_log where actor is not null order by id')).toEqual([
      { id: 'ada' },
      { id: 'bill' },
    ])
    expect(await rowsOf('select id from deputy.audit_detail where actor is not null')).toEqual([
      { id: 'bill' },
    ])
    expect(
      await rowsOf(
        'select action, transport, outcome, write_count from deputy.audit_log where actor is null order by at',
      ),
    ).toEqual([
      { action: 'audit.prune', transport: 'command', outcome: 'OK', write_count: 2 },
      { action: 'audit.erase', transport: 'command', outcome: 'OK', write_count: 1 },
    ])
    await expect(rowsOf('delete from deputy.audit_log')).rejects.toThrow('append-only')
  })

  test('a directory that a server has open is refused', async () => {
    const refused = await inDatabase(() => audit(['prune', '--older-than', '1h']))
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain(
      `is in use by another Deputy process: ${process.pid} on this machine, or in its container. Stop that process first`,
    )
  })

  test('a directory without a database is left alone', async () => {
    const { code, stderr } = await audit(['list'], { DATA_DIR: `${directory.path}/nowhere` })
    expect({ code, stderr }).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Set DATABASE_URL or DATA_DIR'),
    })
  })

  test.each([
    [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL: must be postgres://'],
    [{ NODE_ENV: 'production', DATA_DIR: '' }, 'DATABASE_URL: is required in production'],
    [{ DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x' }, 'the database cannot be reached'],
  ])('an environment like %j is told of', async (env, message) => {
    const { code, stdout, stderr } = await audit(['list'], env)
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test('wrong arguments end with 2, usage on stderr and nothing on stdout', async () => {
    const { code, stdout, stderr } = await audit(['prune', '--older-than', '3 months'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('It must be a whole number of hours or days, as in 12h or 90d')
    expect(stderr).toContain('Usage: deputy audit prune')
  })
})
