import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import type { TestProject } from 'vitest/node'
import { migratePostgres } from '../../server/db/migrate.ts'
import { dropLeftovers, nameAt } from './leftovers.ts'
import { MIGRATIONS, TABLES } from './tables.ts'

/** Migrates a template database; every test file gets a copy of it, and all are dropped at the end. */
export default async function setup(project: TestProject) {
  const url = process.env.TEST_DATABASE_URL
  if (!url) throw new Error('TEST_DATABASE_URL must be set to test on PostgreSQL')
  const template = nameAt(Date.now(), randomUUID().slice(0, 8))
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  await dropLeftovers(admin)
  await admin.unsafe(`create database ${template}`)
  const templateUrl = new URL(url)
  templateUrl.pathname = `/${template}`
  await migratePostgres(templateUrl.href, { migrations: MIGRATIONS, tables: TABLES })
  project.provide('database', { kind: 'postgres', url, template })
  return async () => {
    const copies = await admin<
      { datname: string }[]
    >`select datname from pg_database where datname like ${`${template}%`}`
    for (const { datname } of copies) await admin.unsafe(`drop database if exists ${datname} with (force)`)
    await admin.end()
  }
}
