import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { expect, inject, it } from 'vitest'
import { createTestApp } from '../../server/testing/create-test-app.ts'
import { fixture } from '../fixture/app.ts'

it.each([
  ['an environment that the app does not take', { env: { PLATFORM_URL: 'ftp://x' } }, /PLATFORM_URL/],
  ['an address that is none', { apiWorkerUrl: 'nowhere' }, /Invalid URL/],
])('a test app that is refused for %s leaves no database', async (_why, options, message) => {
  const provided = inject('database')
  if (provided.kind !== 'postgres') throw new Error('This test needs PostgreSQL')
  const role = `refused_${randomUUID().slice(0, 8)}`
  await using admin = Object.assign(postgres(provided.url, { max: 1 }), {
    [Symbol.asyncDispose]: async () => {
      await admin.unsafe(`drop role ${role}`)
      await admin.end()
    },
  })
  await admin.unsafe(`create role ${role} login createdb`)
  const url = new URL(provided.url)
  url.username = role
  await expect(createTestApp(fixture, { databaseUrl: url.href, ...options })).rejects.toThrow(message)
  const left = await admin`
    select datname from pg_database join pg_roles on pg_roles.oid = datdba where rolname = ${role}`
  for (const { datname } of left) await admin.unsafe(`drop database ${datname}`)
  expect([...left]).toEqual([])
})
