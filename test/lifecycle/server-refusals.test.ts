import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { dataDirectory } from '../support/data-directory.ts'
import { runServer, startServer } from './process.ts'

// The first start on a directory makes its database, which takes far longer than the next ones.
vi.setConfig({ testTimeout: 120_000 })
const directory = await dataDirectory()
afterAll(() => directory[Symbol.asyncDispose]())

/** What a server that cannot start says. */
async function refusal(env: Record<string, string>): Promise<string> {
  const { output, ended } = await runServer(env)
  expect(await ended).toEqual({ code: 1, signal: null })
  expect(output.stdout).not.toContain('listens')
  expect(output.stderr).toMatch(/^Deputy could not start\. /)
  expect(output.stderr).not.toContain('    at ')
  return output.stderr
}

test('a bad environment names every variable, the app’s too, and no value', async () => {
  const names = ['PORT', 'DATABASE_URL', 'AUTH_JWT_SECRET', 'CORS_ORIGINS', 'PLATFORM_URL', 'LOG_LEVEL']
  const said = await refusal({
    ...Object.fromEntries(names.map((name) => [name, 'hunter2'])),
    // Of origins, which are no secrets, each that is wrong is named.
    CORS_ORIGINS: 'nowhere',
  })
  for (const name of names) expect(said).toMatch(new RegExp(`^ {2}${name}: `, 'm'))
  expect(said).not.toContain('hunter2')
  expect(said).toContain('"nowhere"')
})

test('production without a database and a key says what to set', async () => {
  const said = await refusal({ NODE_ENV: 'production' })
  expect(said).toContain('DATABASE_URL: is required in production')
  expect(said).toContain('AUTH_JWKS_URL, AUTH_JWT_PUBLIC_KEY, AUTH_JWT_SECRET: one is required in production')
})

test('a second server on the same data says who has it, and the first goes on', async () => {
  await using first = await startServer({ DATA_DIR: directory.path })
  const said = await refusal({ DATA_DIR: directory.path })
  expect(said).toContain(`The directory "${directory.path}" is in use by another Deputy process`)
  expect((await fetch(`${first.url}/readyz`)).status).toBe(200)
})

test('a port that is taken is named', async () => {
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as AddressInfo
  expect(await refusal({ DATA_DIR: directory.path, PORT: String(port) })).toMatch(`PORT: `)
  await new Promise((resolve) => holder.close(resolve))
})

test('a database that cannot be reached is named, without its password', async () => {
  const holder = createServer()
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
  const { port } = holder.address() as AddressInfo
  await new Promise((resolve) => holder.close(resolve))
  const said = await refusal({
    DATA_DIR: directory.path,
    DATABASE_URL: `postgres://deputy:hunter2@127.0.0.1:${port}/app`,
  })
  expect(said).toContain('DATABASE_URL: the database cannot be reached')
  expect(said).not.toContain('hunter2')
})

test('a data directory that is a file is named', async () => {
  const file = join(directory.path, 'file')
  await writeFile(file, '')
  expect(await refusal({ DATA_DIR: file })).toMatch(`DATA_DIR: `)
})
