import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres from 'postgres'
import { inject } from 'vitest'
import type { Database } from '../../server/db/database.ts'
import { type MigrateOptions, migrateEmbedded, migratePostgres } from '../../server/db/migrate.ts'
import type { MigrationReport } from '../../server/db/migrator.ts'
import { openPglite, type PgliteDatabase } from '../../server/db/pglite.ts'
import { openPostgres } from '../../server/db/postgres.ts'
import { filesOf } from '../support/database.ts'

/** A database of the kind under test in which nothing was migrated yet, gone when disposed. */
export interface EmptyDatabase extends AsyncDisposable {
  readonly database: Database
  readonly url: string | undefined
  /** Tells of the app's migrations. */
  migrate(options: MigrateOptions): Promise<MigrationReport>
}

/** The embedded one that was given back last: one that is emptied is there sooner than one that is made anew. */
let given: PgliteDatabase | undefined

async function empty({ engine }: PgliteDatabase): Promise<void> {
  await engine.exec('rollback')
  await engine.exec('discard all')
  await engine.exec(`
    do $$ declare name text; begin
      for name in select nspname from pg_namespace where nspname !~ '^(pg_|information_schema$)' loop
        execute format('drop schema %I cascade', name);
      end loop;
    end $$;
    create schema public`)
}

export async function openEmptyDatabase(): Promise<EmptyDatabase> {
  const provided = inject('database')
  if (provided.kind === 'pglite') {
    const database = given ?? (await openPglite({ files: await filesOf(provided.packed) }))
    given = undefined
    await empty(database)
    return {
      database,
      url: undefined,
      migrate: async (options) => (await migrateEmbedded(database, options)).app,
      async [Symbol.asyncDispose]() {
        if (given) return database.close()
        given = database
      },
    }
  }
  const name = `${provided.template}_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  const admin = postgres(provided.url, { max: 1, onnotice: () => {} })
  await admin.unsafe(`create database ${name}`)
  const url = new URL(provided.url)
  url.pathname = `/${name}`
  const database = openPostgres({ url: url.href })
  return {
    database,
    url: url.href,
    migrate: async (options) => (await migratePostgres(url.href, options)).app,
    async [Symbol.asyncDispose]() {
      await database.close()
      await admin.unsafe(`drop database if exists ${name} with (force)`)
      await admin.end()
    },
  }
}

/** A migration as drizzle-kit would have written it. */
export interface WrittenMigration {
  readonly tag: string
  readonly when: number
  readonly sql: string
}

/** A folder of migrations that can be written anew, gone when disposed. */
export async function migrationsFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'deputy-migrations-'))
  return {
    folder,
    async write(migrations: readonly WrittenMigration[]): Promise<void> {
      await rm(folder, { recursive: true })
      await mkdir(join(folder, 'meta'), { recursive: true })
      for (const { tag, sql } of migrations) await writeFile(join(folder, `${tag}.sql`), sql)
      const entries = migrations.map(({ tag, when }, idx) => ({
        idx,
        version: '7',
        when,
        tag,
        breakpoints: true,
      }))
      await writeFile(
        join(folder, 'meta', '_journal.json'),
        JSON.stringify({ version: '7', dialect: 'postgresql', entries }),
      )
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** Adds a file behind those of a folder that drizzle-kit wrote. */
export async function addMigration(folder: string, tag: string, sql: string): Promise<void> {
  await writeFile(join(folder, `${tag}.sql`), sql)
  const file = join(folder, 'meta', '_journal.json')
  const journal: { entries: { idx: number; when: number }[] } = JSON.parse(await readFile(file, 'utf8'))
  const last = journal.entries.at(-1) ?? { idx: -1, when: 0 }
  const entry = { idx: last.idx + 1, version: '7', when: last.when + 1_000, tag, breakpoints: true }
  await writeFile(file, JSON.stringify({ ...journal, entries: [...journal.entries, entry] }))
}
