import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

vi.setConfig({ testTimeout: 120_000 })

const app = await makeAppFolder()
afterAll(() => app[Symbol.asyncDispose]())

const levels = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => line.split(/ +/, 2).join(' '))

test('deputy doctor says of everything whether it is right, and changes nothing', async () => {
  // What a build has kept for a first start is put there for other tests.
  await rm(join(app.path, '.deputy'), { recursive: true, force: true })
  const { code, stdout, stderr } = await app.deputy(['doctor'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(levels(stdout)).toEqual([
    'ok app',
    'ok environment',
    'ok database',
    'ok tokens',
    'ok owner',
    'ok integrations',
  ])
  expect(stdout).toContain('the first start makes in .deputy')
})

test('deputy doctor looks at the embedded database, and leaves it as it is', async () => {
  expect(await app.deputy(['generate', '--name', 'init'])).toMatchObject({ code: 0 })
  expect(await app.deputy(['migrate'])).toMatchObject({ code: 0 })
  const { stdout } = await app.deputy(['doctor'])
  expect(stdout).toMatch(/^ok +database +embedded PostgreSQL \d+.*, in /m)
  expect(stdout).toMatch(/^ok +migrations +all are applied$/m)
  expect(await app.deputy(['generate', '--custom', '--name', 'more'])).toMatchObject({ code: 0 })
  const lacking = await app.deputy(['doctor'])
  expect(lacking.code).toBe(0)
  expect(lacking.stdout).toMatch(
    /^warning +migrations +not applied yet: 0001_more\. The next start applies them/m,
  )
})

test('deputy doctor ends with 1 where something is wrong, and says what', async () => {
  const { code, stdout } = await app.deputy(['doctor'], {
    env: {
      DATABASE_URL: 'postgres://nobody@127.0.0.1:1/x',
      AUTH_JWKS_URL: 'http://127.0.0.1:1/jwks',
      AUTH_JWT_ISSUER: 'https://issuer.test',
      AUTH_JWT_AUDIENCE: 'app',
    },
  })
  expect(code).toBe(1)
  expect(levels(stdout)).toEqual([
    'ok app',
    'ok environment',
    'problem database',
    'problem tokens',
    'warning owner',
    'ok integrations',
  ])
  expect(stdout).toContain('the database cannot be reached')
  expect(stdout).toContain('http://127.0.0.1:1/jwks cannot be fetched from here')
  const unreadable = await app.deputy(['doctor'], { env: { PORT: 'x' } })
  expect(unreadable).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/problem +environment +PORT: must be a port/),
  })
})
