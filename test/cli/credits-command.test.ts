import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { migrateEmbedded } from '../../server/db/migrate.ts'
import { openPglite, type PgliteDatabase } from '../../server/db/pglite.ts'
import { runDeputy } from '../lifecycle/process.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

// The first opening of a directory makes its database, which takes far longer than the next ones.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const directory = await dataDirectory()
afterAll(() => directory[Symbol.asyncDispose]())

async function inDatabase<T>(use: (database: PgliteDatabase) => Promise<T>): Promise<T> {
  const database = await openPglite({ directory: directory.path })
  return use(database).finally(() => database.close())
}

beforeAll(() =>
  inDatabase((database) => migrateEmbedded(database, { migrations: MIGRATIONS, tables: TABLES })),
)

async function credits(args: readonly string[], env: Record<string, string> = {}) {
  const { output, ended } = await runDeputy(['credits', ...args], { DATA_DIR: directory.path, ...env })
  return { ...(await ended), ...output }
}

const grantArgs = (account: string, amount: string, key: string) => [
  'grant',
  '--account',
  account,
  '--amount',
  amount,
  '--key',
  key,
]

describe('deputy credits', () => {
  test('grants once for a key', async () => {
    const first = await credits(grantArgs('ada', '5000000', 'k1'))
    expect(first).toMatchObject({
      code: 0,
      stderr: '',
      stdout: `Granted 5000000 micro-credits to ada, which made 5000000 available, in ${directory.path}.\n`,
    })
    const again = await credits(grantArgs('ada', '5000000', 'k1'))
    expect(again).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Granted before, by the same key: 5000000 /),
    })
    const other = await credits(grantArgs('ada', '6000000', 'k1'))
    expect(other).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('use a new key') })
  })

  test('prints what accounts have', async () => {
    await credits(grantArgs('bill', '7', 'k2'))
    expect(await credits(['balance'])).toMatchObject({ code: 0, stdout: 'ada\t5000000\t0\nbill\t7\t0\n' })
    expect(await credits(['balance', '--account', 'nobody'])).toMatchObject({ stdout: 'nobody\t0\t0\n' })
  })

  test('prints how an account came to what it has', async () => {
    const { stdout } = await credits(['statement', '--account', 'ada'])
    const [seq, at, ...fields] = stdout.slice(0, -1).split('\t')
    expect(seq).toMatch(/^\d+$/)
    expect(at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    expect(fields).toEqual(['grant', '5000000', '0', '0', '', '', '', '', '', '', '', '', 'k1', ''])
  })

  test('a directory that a server has open is refused', async () => {
    const refused = await inDatabase(() => credits(['balance']))
    expect(refused).toMatchObject({ code: 1, stdout: '' })
    expect(refused.stderr).toContain(
      `is in use by another Deputy process: ${process.pid} on this machine, or in its container. Stop that process first`,
    )
  })

  test.each([
    [{ DATABASE_URL: 'mysql://x' }, 'DATABASE_URL: must be postgres://'],
    [{ DATA_DIR: '/nowhere/at/all' }, 'Set DATABASE_URL or DATA_DIR'],
  ])('an environment like %j is told of', async (env, message) => {
    const { code, stdout, stderr } = await credits(['balance'], env)
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining(message),
    })
    expect(stderr).not.toMatch(/^\s+at /m)
  })

  test('wrong arguments end with 2, usage on stderr and nothing on stdout', async () => {
    const { code, stdout, stderr } = await credits(grantArgs('ada', '0.5', 'k3'))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain('It must be a whole number of micro-credits')
    expect(stderr).toContain('Usage: deputy credits grant')
  })
})
