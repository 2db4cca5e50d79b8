import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { expect, inject, it } from 'vitest'
import { migratePostgres } from '../../server/db/migrate.ts'
import { MIGRATIONS, TABLES } from '../support/tables.ts'

it('several servers that start at once on an empty database migrate it once', async () => {
  const provided = inject('database')
  if (provided.kind !== 'postgres') throw new Error('This test needs PostgreSQL')
  const name = `${provided.template}_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  const admin = postgres(provided.url, { max: 1, onnotice: () => {} })
  await admin.unsafe(`create database ${name}`)
  const url = new URL(provided.url)
  url.pathname = `/${name}`
  try {
    await Promise.all(
      Array.from({ length: 6 }, () => migratePostgres(url.href, { migrations: MIGRATIONS, tables: TABLES })),
    )
    const client = postgres(url.href, { max: 1, onnotice: () => {} })
    const tables = await client<{ relname: string }[]>`
      select relname from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
        and reloptions @> '{fillfactor=80}' order by relname`
    const [applied] = await client`
      select count(*)::int as count, count(distinct hash)::int as hashes from drizzle.__drizzle_migrations`
    await client.end()
    expect(tables.map(({ relname }) => relname)).toEqual([...TABLES].sort())
    expect(applied?.count).toBe(applied?.hashes)
    expect(applied?.count).toBeGreaterThan(0)
    // A server that starts later finds nothing to do.
    await migratePostgres(url.href, { migrations: MIGRATIONS, tables: TABLES })
  } finally {
    await admin.unsafe(`drop database if exists ${name} with (force)`)
    await admin.end()
  }
})
