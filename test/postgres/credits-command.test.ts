import postgres from 'postgres'
import { expect, it, vi } from 'vitest'
import { runDeputy } from '../lifecycle/process.ts'
import { openTestDatabase } from '../support/database.ts'
import { execute } from '../support/execute.ts'

// Each command is a process of its own.
vi.setConfig({ testTimeout: 120_000 })

async function credits(url: string, args: readonly string[]) {
  const { output, ended } = await runDeputy(['credits', ...args], { DATABASE_URL: url })
  return { ...(await ended), ...output }
}

it('the commands work on DATABASE_URL beside a server, and show no password', async () => {
  await using opened = await openTestDatabase()
  const url = new URL(opened.url ?? '')
  url.password = 'not-shown'
  const args = ['grant', '--account', 'ada', '--amount', '5', '--key', 'k1']
  const granted = await credits(url.href, args)
  expect(granted).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^Granted 5 micro-credits to ada, which made 5 available, in postgres:/),
  })
  const listed = await credits(url.href, ['balance'])
  expect(listed).toMatchObject({ code: 0, stdout: 'ada\t5\t0\n' })
  expect([granted, listed].map(({ stdout, stderr }) => stdout + stderr).join()).not.toContain('not-shown')
})

it('names hold no line break and no escape on the terminal', async () => {
  await using opened = await openTestDatabase()
  const url = opened.url ?? ''
  await execute(
    opened.database,
    url,
    "insert into deputy.credit_accounts values (E'a\\nb\\tc\\u001b[2J\\u202ed', 5, 0)",
  )
  const { code, stdout } = await credits(url, ['balance'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'a\\u{a}b\\u{9}c\\u{1b}[2J\\u{202e}d\t5\t0\n' })
})

it('a database without a ledger, and a role that may not use it, are told of', async () => {
  await using opened = await openTestDatabase()
  const url = new URL(opened.url ?? '')
  const sql = postgres(url.href, { max: 1, onnotice: () => {} })
  const role = `credits_reader_${process.pid}`
  await sql.unsafe(
    `create role ${role} login; grant usage on schema deputy to ${role};
     grant select on deputy.credit_accounts to ${role}`,
  )
  try {
    url.username = role
    const refused = await credits(url.href, ['grant', '--account', 'ada', '--amount', '5', '--key', 'k1'])
    expect(refused).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('must be allowed') })
    expect(await sql`select 1 from deputy.credit_accounts`).toHaveLength(0)
    await sql`drop table deputy.credit_accounts`
    const absent = await credits(url.href, ['balance'])
    expect(absent).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no ledger') })
  } finally {
    await sql.unsafe(`drop owned by ${role}; drop role ${role}`)
    await sql.end()
  }
})
