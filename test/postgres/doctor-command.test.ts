import postgres from 'postgres'
import { expect, it, vi } from 'vitest'
import { makeAppFolder } from '../cli/app-folder.ts'
import { openTestDatabase } from '../support/database.ts'

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
