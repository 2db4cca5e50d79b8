import postgres from 'postgres'
import { expect, it, vi } from 'vitest'
import { createClient, unwrap } from '../../client/core/index.ts'
import { makeAppFolder } from '../cli/app-folder.ts'
import { openEmptyDatabase } from '../db/empty-database.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { mintToken, startServer } from '../lifecycle/process.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { openTestDatabase } from '../support/database.ts'
import { startPgbouncer } from './pgbouncer.ts'

vi.setConfig({ testTimeout: 180_000 })

it('deputy doctor tells of migrations that are missing, and of a role that may not apply them', async () => {
  await using opened = await openTestDatabase()
  await using app = await makeAppFolder()
  const url = new URL(opened.url ?? '')
  const sql = postgres(url.href, { max: 1, onnotice: () => {} })
  const role = `doctor_reader_${process.pid}`
  await sql.unsafe(
    `create role ${role} login; grant usage on schema deputy, drizzle to ${role};
     grant select on all tables in schema deputy, drizzle to ${role}`,
  )
  try {
    expect(await app.deputy(['generate', '--name', 'other'])).toMatchObject({ code: 0 })
    url.username = role
    const { code, stdout } = await app.deputy(['doctor'], { env: { DATABASE_URL: url.href } })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ok +database +PostgreSQL \d+/m)
    expect(stdout).toMatch(/^ok +clock /m)
    expect(stdout).toMatch(/^ok +pooler /m)
    expect(stdout).toMatch(/^problem +rights .* may not read and write deputy\.credit_accounts/m)
    expect(stdout).toMatch(/^problem +migrations /m)
  } finally {
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    await sql.end()
  }
})

it('a server on PostgreSQL finds of its surroundings what deputy doctor does', async () => {
  await using opened = await openTestDatabase()
  await using directory = await dataDirectory()
  await using server = await startServer({ DATABASE_URL: opened.url ?? '', DATA_DIR: directory.path })
  const token = await mintToken('owner', directory.path)
  const { status } = createClient<FixtureRouter>({ url: server.url, token })
  const { findings } = unwrap(await status.findings.query())
  expect(findings.slice(0, 7).map(({ level, subject }) => `${level} ${subject}`)).toEqual([
    'ok database',
    'ok clock',
    'ok pooler',
    'ok migrations',
    'ok rights',
    'ok tokens',
    'ok owner',
  ])
})

it('deputy doctor says which pooler is there, what is lost, and where the direct address leads', async () => {
  await using opened = await openEmptyDatabase()
  await using other = await openTestDatabase()
  await using app = await makeAppFolder()
  const url = opened.url ?? ''
  const direct = { DATABASE_DIRECT_URL: url }
  await using transaction = await startPgbouncer(url, { pool_mode: 'transaction' })
  await using session = await startPgbouncer(url, { pool_mode: 'session' })
  await using statement = await startPgbouncer(url, { pool_mode: 'statement' })
  const doctor = async (env: Readonly<Record<string, string>>) =>
    (await app.deputy(['doctor'], { env })).stdout.replaceAll(/ +/g, ' ')
  expect(await app.deputy(['generate', '--name', 'other'])).toMatchObject({ code: 0 })

  const alone = await doctor({ DATABASE_URL: transaction.url })
  expect(alone).toMatch(
    /^warning pooler in transaction mode: servers take no turns .* Set DATABASE_DIRECT_URL/m,
  )
  expect(alone).toMatch(
    /^problem migrations .*Through a pooler in transaction mode none is: set DATABASE_DIRECT_URL/m,
  )
  const both = await doctor({ DATABASE_URL: transaction.url, ...direct })
  expect(both).toMatch(/^warning pooler in transaction mode: .* DATABASE_DIRECT_URL is set$/m)
  expect(both).toMatch(/^ok direct DATABASE_DIRECT_URL leads to the same database/m)
  expect(await doctor({ DATABASE_URL: url, DATABASE_DIRECT_URL: transaction.url })).toMatch(
    /^problem direct DATABASE_DIRECT_URL leads to a pooler in transaction mode/m,
  )
  expect(await doctor({ DATABASE_URL: url, DATABASE_DIRECT_URL: other.url ?? '' })).toMatch(
    /^problem direct DATABASE_DIRECT_URL leads to another database/m,
  )
  expect(await doctor({ DATABASE_URL: session.url })).toMatch(/^ok pooler in session mode$/m)
  expect(await doctor({ DATABASE_URL: statement.url })).toMatch(/^problem pooler .* in statement mode/m)
  expect(await doctor({ DATABASE_URL: transaction.url, DATABASE_POOLER: 'none' })).toMatch(
    /^problem pooler DATABASE_POOLER says none, and what was found is transaction/m,
  )
  expect(await doctor({ DATABASE_URL: url, DATABASE_POOLER: 'transaction' })).toMatch(
    /^warning pooler DATABASE_POOLER says transaction, and what was found is none/m,
  )
})

it('a server and deputy migrate go to the direct address with what a pooler in transaction mode cannot do', async () => {
  await using empty = await openEmptyDatabase()
  await using app = await makeAppFolder()
  const url = empty.url ?? ''
  await using pooler = await startPgbouncer(url, { pool_mode: 'transaction' })
  expect(await app.deputy(['generate', '--name', 'first'])).toMatchObject({ code: 0 })
  expect(await app.deputy(['migrate'], { env: { DATABASE_URL: pooler.url } })).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('Set DATABASE_DIRECT_URL to the address of the database itself'),
  })
  const env = { DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: url }
  expect(await app.deputy(['migrate'], { env })).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^app: applied 0000_first$/m),
  })
  const credits = await app.deputy(
    ['credits', 'grant', '--account', 'ada', '--amount', '5', '--key', 'one'],
    {
      env: { DATABASE_URL: pooler.url },
    },
  )
  expect(credits).toMatchObject({ code: 0 })

  // What is written goes nowhere else than calls do.
  await using other = await openTestDatabase()
  const grant = ['credits', 'grant', '--account', 'ada', '--amount', '5', '--key', 'two']
  for (const command of [['migrate'], grant]) {
    for (const [direct, reason] of [
      [other.url ?? '', 'leads to another database than DATABASE_URL does'],
      [pooler.url, 'leads to a pooler in transaction mode'],
    ] as const) {
      expect(
        await app.deputy(command, { env: { DATABASE_URL: url, DATABASE_DIRECT_URL: direct } }),
      ).toMatchObject({ code: 1, stderr: expect.stringContaining(`DATABASE_DIRECT_URL ${reason}`) })
    }
  }
  const { rows } = await other.database.query({
    sql: 'select count(*)::int from deputy.credit_accounts',
    params: [],
  })
  expect(rows).toEqual([[0]])
})
