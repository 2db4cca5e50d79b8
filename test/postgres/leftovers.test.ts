import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { expect, inject, it } from 'vitest'
import { dropLeftovers, nameAt } from '../support/leftovers.ts'

const HOUR_MS = 3_600_000

it('a run drops the databases of runs that were killed hours ago, and of no others', async () => {
  const provided = inject('database')
  if (provided.kind !== 'postgres') throw new Error('This test needs PostgreSQL')
  const admin = postgres(provided.url, { max: 1, onnotice: () => {} })
  const suffix = randomUUID().slice(0, 8)
  const old = nameAt(Date.now() - 7 * HOUR_MS, suffix)
  const young = nameAt(Date.now() - 5 * HOUR_MS, suffix)
  for (const name of [old, young]) await admin.unsafe(`create database ${name}`)
  await dropLeftovers(admin)
  const left = await admin<
    { datname: string }[]
  >`select datname from pg_database where datname in (${old}, ${young})`
  expect(left.map(({ datname }) => datname)).toEqual([young])
  await admin.unsafe(`drop database ${young}`)
  await admin.end()
})
