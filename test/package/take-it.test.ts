// Takes the package as a team does: packs it, makes an app of it in a folder elsewhere, starts, calls and tests it,
// deletes the example, deploys it with two roles, and takes the next version.
import { randomUUID } from 'node:crypto'
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SignJWT } from 'jose'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addMigration } from '../db/empty-database.ts'
import { openBrowser } from '../support/browser.ts'
import { docSnippets } from '../support/doc-snippets.ts'
import { temporaryPath } from '../support/guarded.ts'
import { createPackedApp, packPackages, runIn, startPackedApp } from './packed-app.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const SERVER_URL = process.env.TEST_DATABASE_URL
const SECRET = 's'.repeat(48)
const PRODUCTION = {
  NODE_ENV: 'production',
  AUTH_JWT_SECRET: SECRET,
  AUTH_JWT_ISSUER: 'https://id.test',
  AUTH_JWT_AUDIENCE: 'app',
  OWNER_USER_ID: 'owner',
}
/** Each installs packages, or runs a whole test suite. */
const PATIENCE = { timeout: 600_000 }

let folder: string
let app: string
let tarball: (name: string) => string

beforeAll(async () => {
  folder = await temporaryPath('take-it')
  app = join(folder, 'my-app')
  tarball = await packPackages()
}, 300_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

function run(
  file: string,
  args: readonly string[],
  { cwd = app, env = {} }: { readonly cwd?: string; readonly env?: Record<string, string> } = {},
): Promise<string> {
  return runIn(cwd, file, args, env)
}

const start = (command: readonly [string, ...string[]], env: Record<string, string>) =>
  startPackedApp(app, command, env)

const token = (user: string) =>
  new SignJWT({})
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setIssuer(PRODUCTION.AUTH_JWT_ISSUER)
    .setAudience(PRODUCTION.AUTH_JWT_AUDIENCE)
    .setExpirationTime('10m')
    .sign(new TextEncoder().encode(SECRET))

async function post(url: string, path: string, bearer: string, body: object): Promise<unknown> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${bearer}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return response.json()
}

/** The commands that a document prints under a heading. */
function commandsUnder(text: string, heading: string): string {
  const commands = text.split(`\n## ${heading}\n`)[1]?.match(/```sh\n([\s\S]*?)```/)?.[1]
  if (commands === undefined) throw new Error(`There are no commands under ${heading}`)
  return commands
}

describe.sequential('an app elsewhere', () => {
  it('is made by npm create, from the tarball, without a question', PATIENCE, async () => {
    const made = await createPackedApp(folder, 'my-app', tarball)
    expect(made).toContain('npm install')
    const files = await readdir(app)
    expect(files).toEqual(
      expect.arrayContaining(
        '.env.example .github .gitignore Dockerfile README.md compose.yaml drizzle integrations.ts package.json server test'.split(
          ' ',
        ),
      ),
    )
    await run('npm', ['install'])
  })

  it('compiles, and passes its own tests', PATIENCE, async () => {
    await run('npm', ['run', 'check'])
    expect(await run('npm', ['test'])).toMatch(/Tests {2}\d+ passed/)
  })

  it('starts, and answers the call that its start prints', PATIENCE, async () => {
    await using server = await start(['npm', 'start'], {})
    const printed = server.output().split('Try it:\n')[1]?.split('\n{')[0] ?? ''
    expect(printed).toContain('$(npx deputy token ada)')
    expect(JSON.parse(await run('bash', ['-c', printed]))).toMatchObject({ success: true })
    expect(await (await fetch(server.url)).text()).toContain('This is a Deputy server')
    const page = await (await fetch(`${server.url}/docs`)).text()
    const files = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path = '']) => path)
    expect(files).toHaveLength(4)
    for (const path of [...files, '/openapi.json'])
      expect([path, (await fetch(server.url + path)).status]).toEqual([path, 200])
  })

  it('is built with its front end, which its server serves', PATIENCE, async () => {
    await run('npm', ['run', 'build'])
    await using server = await start(['node', 'dist/server/main.js'], {})
    await using chromium = await openBrowser()
    const page = await chromium.browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !message.text().includes('404')) problems.push(message.text())
    })
    // Any address of the front end is its page.
    await page.goto(`${server.url}/events/1`)
    await page.getByLabel('Email').fill('ada@example.com')
    await page.getByLabel('Password').fill('a long password')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('This server has no sign-in yet').waitFor()
    expect(problems).toEqual([])
  })

  it('has one package of each kind, and nothing that npm calls wrong', PATIENCE, async () => {
    const tree = JSON.parse(await run('npm', ['ls', '--all', '--json']))
    expect((tree.problems ?? []).filter((problem: string) => !problem.startsWith('extraneous'))).toEqual([])
    const versions = await run('npm', [
      'ls',
      '@trpc/server',
      'zod',
      'drizzle-orm',
      'hono',
      '--all',
      '--parseable',
    ])
    const places = versions.trim().split('\n').slice(1)
    expect(new Set(places.map((place) => place.split('node_modules/').at(-1))).size).toBe(places.length)
  })

  it('goes on without the example, by the steps of its README', PATIENCE, async () => {
    const readme = await readFile(join(app, 'README.md'), 'utf8')
    await run('bash', ['-e', '-c', commandsUnder(readme, 'Start from nothing')])
    expect(await readdir(join(app, 'server/routers/actions'))).toEqual(['index.ts', 'write-note.ts'])
    await run('npm', ['run', 'check'])
    expect(await run('npm', ['test'])).toMatch(/Tests {2}1 passed/)
    expect(await run('npx', ['deputy', 'types'])).toContain('writeNote: TypedMutation<{ text: string }')
    await using server = await start(['npm', 'start'], {})
    const bearer = (await run('npx', ['deputy', 'token', 'ada'])).trim()
    expect(await post(server.url, '/api/actions/writeNote', bearer, { text: 'Hello' })).toMatchObject({
      success: true,
    })
  })
})

describe.runIf(SERVER_URL !== undefined).sequential('a deployed app', () => {
  const suffix = randomUUID().slice(0, 8)
  const database = `take_it_${suffix}`
  const asAdmin = async (url: string, text: string) => {
    const client = postgres(url, { max: 1, onnotice: () => {} })
    return client.unsafe(text).finally(() => client.end())
  }
  const urlOf = (user?: string) => {
    const url = new URL(SERVER_URL ?? '')
    url.pathname = `/${database}`
    if (user !== undefined) url.username = `${user}_${suffix}`
    return url.href
  }
  const production = (user: string) => ({ ...PRODUCTION, DATABASE_URL: urlOf(user) })
  /** Runs SQL that docs/database.md prints, with roles of this test's own. */
  const runSnippet = async (url: string, name: string) => {
    const text = (await docSnippets('database.md')).get(name) ?? ''
    await asAdmin(url, text.replaceAll(/\bapp_(?:migrator|server)\b/g, `$&_${suffix}`))
  }

  beforeAll(() => asAdmin(SERVER_URL ?? '', `create database ${database}`))
  afterAll(async () => {
    await asAdmin(SERVER_URL ?? '', `drop database ${database} with (force)`)
    for (const role of ['app_server', 'app_migrator'])
      await asAdmin(SERVER_URL ?? '', `drop owned by ${role}_${suffix} cascade; drop role ${role}_${suffix}`)
  })

  it(
    'is built, migrated by one role, and run by plain node with another that only reads and writes data',
    PATIENCE,
    async () => {
      await run('npm', ['run', 'build'])
      await runSnippet(urlOf(), 'two-roles')
      await runSnippet(urlOf('app_migrator'), 'migrator-defaults')
      await run('npx', ['deputy', 'migrate'], { env: production('app_migrator') })
      await runSnippet(urlOf('app_migrator'), 'after-first-migrate')
      await using server = await start(['node', 'dist/server/main.js'], production('app_server'))
      expect(
        await post(server.url, '/api/actions/writeNote', await token('ada'), { text: 'Before' }),
      ).toMatchObject({ success: true })
      expect(server.output()).not.toMatch(/"level":[56]0/)
    },
  )

  it(
    'takes the next version with its data: one migration of the engine more, and one of its own',
    PATIENCE,
    async () => {
      const next = await nextVersion()
      await run('npm', ['install', next])
      const collections = join(app, 'drizzle/collections.ts')
      const text = await readFile(collections, 'utf8')
      await writeFile(
        collections,
        text.replace('text: text().notNull()', 'text: text().notNull(), mood: text()'),
      )
      await run('npx', ['deputy', 'generate', '--name', 'mood'])
      await run('npm', ['run', 'build'])
      await expect(start(['node', 'dist/server/main.js'], production('app_server'))).rejects.toThrow(
        'deputy migrate',
      )
      await run('npx', ['deputy', 'migrate'], { env: production('app_migrator') })
      await using server = await start(['node', 'dist/server/main.js'], production('app_server'))
      const ada = await token('ada')
      expect(await post(server.url, '/api/actions/writeNote', ada, { text: 'After' })).toMatchObject({
        success: true,
      })
      const listed = await fetch(`${server.url}/api/records/notes?orderBy=createdAt&limit=10`, {
        headers: { authorization: `Bearer ${ada}` },
      })
      expect(await listed.json()).toMatchObject({
        data: {
          records: expect.arrayContaining(
            [
              { text: 'Before', mood: null },
              { text: 'After', mood: null },
            ].map((data) => expect.objectContaining({ data })),
          ),
        },
      })
      expect(await asAdmin(urlOf(), 'select note from deputy.next_version')).toEqual([])
    },
  )

  /** A tarball of the working tree as the next version, with a migration of the engine more. */
  async function nextVersion(): Promise<string> {
    const unpacked = join(folder, 'next')
    await mkdir(unpacked)
    await run('tar', ['xzf', tarball('deputyjs'), '-C', unpacked], { cwd: folder })
    const root = join(unpacked, 'package')
    const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    await writeFile(join(root, 'package.json'), JSON.stringify({ ...manifest, version: '0.2.0' }))
    const migrations = join(root, 'dist/drizzle/engine/migrations')
    await addMigration(migrations, '9999_next', 'create table "deputy"."next_version" (note text)')
    await run('npm', ['pack', root, '--pack-destination', folder], { cwd: folder })
    return join(folder, 'deputyjs-0.2.0.tgz')
  }
})

describe('the tarballs', () => {
  it.each(['deputyjs', 'deputyjs-client', 'create-deputyjs'])(
    'hold %s as publint wants it',
    PATIENCE,
    async (name) => {
      await run('npx', ['--yes', 'publint@0.3.25', 'run', tarball(name), '--strict'], { cwd: folder })
    },
  )

  it.each(['deputyjs', 'deputyjs-client'])('are typed for those who import %s', PATIENCE, async (name) => {
    await run('npx', ['--yes', '@arethetypeswrong/cli@0.18.5', tarball(name), '--profile', 'esm-only'], {
      cwd: folder,
    })
  })

  it('hold no source condition, no map and no file of the example', async () => {
    const files = (await run('tar', ['tzf', tarball('deputyjs')], { cwd: folder })).split('\n')
    expect(
      files.filter(
        (file) =>
          /\.map$|dist\/(integrations|server\/\w+\.)|routers\/actions/.test(file) &&
          !file.includes('/templates/'),
      ),
    ).toEqual([])
    const manifest = await run('tar', ['xzOf', tarball('deputyjs'), 'package/package.json'], { cwd: folder })
    expect(manifest).not.toContain('deputy-source')
  })
})

it('create refuses a folder that has files of the app, and --fill writes what is missing', async () => {
  const target = join(folder, 'half')
  await cp(join(ROOT, 'server/cli/template/common'), target, { recursive: true })
  const create = join(folder, 'create')
  await mkdir(create)
  await run('tar', ['xzf', tarball('create-deputyjs'), '-C', create], { cwd: folder })
  await cp(join(ROOT, 'node_modules/commander'), join(create, 'package/node_modules/commander'), {
    recursive: true,
  })
  const main = join(create, 'package/dist/server/cli/create-main.js')
  await expect(run('node', [main, target], { cwd: folder })).rejects.toThrow(
    /half has README\.md, tsconfig\.json, vitest\.config\.ts already\. Name an empty folder/,
  )
  await run('node', [main, target, '--fill', '--empty'], { cwd: folder })
  expect(JSON.parse(await readFile(join(target, 'package.json'), 'utf8'))).toMatchObject({ name: 'half' })
  expect(await readFile(join(target, 'README.md'), 'utf8')).toMatch(/^# My app/)
})
