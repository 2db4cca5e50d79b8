// Follows docs/sign-in.md from an empty folder: an app is made of the package, Better Auth is put into it as the page
// prints it, and people sign up, call, sign out and are deleted, over HTTP and in a browser.
import { randomBytes, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { openBrowser } from '../support/browser.ts'
import { temporaryPath } from '../support/guarded.ts'
import { type Step, shown, shownEnv, stepsOf } from '../support/page-steps.ts'
import { follow } from './follow.ts'
import { createPackedApp, packPackages, runIn, type StartedApp, startPackedApp } from './packed-app.ts'
import { TestPerson } from './test-person.ts'

const SERVER_URL = process.env.TEST_DATABASE_URL
/** Each installs packages, builds, or waits for a browser. */
const PATIENCE = { timeout: 600_000 }
const SOON = { timeout: 60_000 }
const PAGE = 'sign-in.md'
const ORIGIN = 'https://app.example.com'
const EVENT = { title: 'Launch', startsAt: '2030-01-01T18:00:00Z', capacity: 5 }
const SECRET = randomBytes(32).toString('base64')

describe.runIf(SERVER_URL !== undefined).sequential('Better Auth, as the page has it', () => {
  const suffix = randomUUID().slice(0, 8)
  const database = `sign_in_${suffix}`
  let folder: string
  let app: string
  let steps: readonly Step[]
  let server: StartedApp
  let upstream: Upstream

  const urlOf = (user?: string, name = database) => {
    const url = new URL(SERVER_URL ?? '')
    url.pathname = `/${name}`
    if (user !== undefined) url.username = `${user}_${suffix}`
    return url.href
  }
  const sql = async (text: string, url = urlOf()) => {
    const client = postgres(url, { max: 1, onnotice: () => {} })
    return client.unsafe(text).finally(() => client.end())
  }
  /** What the page prints, with a database, a secret and a port of this machine. */
  const production = async (more: Readonly<Record<string, string>> = {}) => {
    const port = String(await freePort())
    return {
      ...shownEnv(steps, 'production'),
      DATABASE_URL: urlOf('app_server'),
      BETTER_AUTH_SECRET: SECRET,
      PORT: port,
      AUTH_JWKS_URL: `http://127.0.0.1:${port}/auth/jwks`,
      TRUSTED_PROXIES: '127.0.0.1',
      ...more,
    }
  }
  const serve = (env: Readonly<Record<string, string>>) =>
    startPackedApp(app, ['node', 'dist/server/main.js'], env)
  const person = (origin = ORIGIN) => new TestPerson(server.url, origin)

  beforeAll(async () => {
    folder = await temporaryPath('sign-in')
    app = join(folder, 'my-app')
    await createPackedApp(folder, 'my-app', await packPackages())
    await runIn(app, 'npm', ['install'])
    steps = await stepsOf(PAGE, 'Better Auth on the same Postgres')
    await follow(steps, app, (commands) => runIn(app, 'bash', ['-e', '-c', commands]))
    await sql(`create database ${database}`, SERVER_URL)
    await prepareRoles()
    await runIn(app, 'npm', ['run', 'build'])
    await runIn(app, 'npx', ['deputy', 'migrate'], await production({ DATABASE_URL: urlOf('app_migrator') }))
    upstream = await startUpstream()
    server = await serve(await production())
  }, PATIENCE.timeout)

  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await upstream?.[Symbol.asyncDispose]()
    await sql(`drop database ${database} with (force)`, SERVER_URL)
    for (const role of ['app_server', 'app_migrator'])
      await sql(`drop owned by ${role}_${suffix} cascade; drop role ${role}_${suffix}`, SERVER_URL)
    await rm(folder, { recursive: true, force: true })
  }, PATIENCE.timeout)

  /** As docs/database.md has it, and the page beside it. */
  async function prepareRoles(): Promise<void> {
    const named = (text: string) => text.replaceAll(/\bapp_(?:migrator|server)\b/g, `$&_${suffix}`)
    const roles = await stepsOf('database.md', 'Migrations')
    await sql(named(shown(roles, 'two-roles')))
    await sql(named(shown(steps, 'two-roles')))
    await sql(named(shown(roles, 'migrator-defaults')), urlOf('app_migrator'))
  }

  it('compiles, and passes the tests of the example on the embedded database', PATIENCE, async () => {
    await runIn(app, 'npm', ['run', 'check'])
    expect(await runIn(app, 'npx', ['deputy', 'generate', '--check'])).toContain('has all that')
    expect(await runIn(app, 'npm', ['test'])).toMatch(/Tests {2}\d+ passed/)
  })

  it('has the tables that Better Auth wants, and no others', PATIENCE, async () => {
    const [command = ''] = shown(steps, 'upgrade').trim().split('\n')
    const ask = async () => {
      const without = command.replace(' --env-file=.env', '')
      return (await runIn(app, 'bash', ['-c', without], await production())).trim()
    }
    expect(await ask()).toBe(';')
    await sql('alter table auth."user" rename column image to picture')
    expect(await ask()).toContain('add column "image"')
    await sql('alter table auth."user" rename column picture to image')
  })

  it.each([
    [{ BETTER_AUTH_SECRET: 'short' }, 'BETTER_AUTH_SECRET: must have at least 32 characters'],
    [{ BETTER_AUTH_URL: 'http://app.example.com' }, 'BETTER_AUTH_URL: must be an origin'],
    [{ BETTER_AUTH_URL: `${ORIGIN}/` }, 'BETTER_AUTH_URL: must be an origin'],
    [{ BETTER_AUTH_URL: '' }, 'BETTER_AUTH_URL: is required with BETTER_AUTH_SECRET'],
    [{ BETTER_AUTH_TRUSTED_ORIGINS: `${ORIGIN},*` }, 'BETTER_AUTH_TRUSTED_ORIGINS: each must be an origin'],
  ])('does not start with %j', PATIENCE, async (wrong, message) => {
    await expect(serve(await production(wrong))).rejects.toThrow(message)
  })

  it('signs up, gives a token by which actions are called, and refuses without', PATIENCE, async () => {
    const ada = person()
    const answer = await ada.signUp('Ada')
    expect(answer.status).toBe(200)
    const [cookie = ''] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/^__Secure-better-auth\.session_token=/)
    expect(cookie.split('; ').slice(1)).toEqual(
      expect.arrayContaining(['HttpOnly', 'Secure', 'SameSite=Lax', 'Path=/']),
    )
    const token = await ada.token()
    const { id } = JSON.parse(await answer.text()).user
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'EdDSA' })
    const claims = decodeJwt(token)
    expect(claims).toMatchObject({ sub: id, iss: ORIGIN, aud: ORIGIN, name: 'Ada', email_verified: false })
    expect(Number(claims.exp) - Number(claims.iat)).toBe(900)
    expect((await ada.call('/api/actions/createEvent', EVENT)).status).toBe(200)
    expect((await ada.call('/api/actions/createEvent', EVENT, 'no token')).status).toBe(401)
    const [head, payload, signature = ''] = token.split('.')
    const forged = `${head}.${payload}.${signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A'))}`
    expect((await ada.call('/api/actions/createEvent', EVENT, forged)).status).toBe(401)
  })

  it('tells a wrong password and an unknown address alike', PATIENCE, async () => {
    const ada = person()
    await ada.signUp('Ada')
    const wrong = await ada.post('/auth/sign-in/email', { email: ada.email, password: 'another password' })
    const unknown = await ada.post('/auth/sign-in/email', { email: 'x@example.com', password: ada.password })
    expect([wrong.status, unknown.status]).toEqual([401, 401])
    expect(await wrong.json()).toEqual(await unknown.json())
    const short = await person().post('/auth/sign-up/email', {
      name: 'Eve',
      email: 'e@example.com',
      password: 'short',
    })
    expect(short.status).toBe(400)
    expect(await short.json()).toMatchObject({ message: expect.stringContaining('short') })
    expect((await ada.signUp('Ada')).status).toBe(422)
  })

  it('signs out at once, and in again; what a token said is good until it ends', PATIENCE, async () => {
    const ada = person()
    await ada.signUp('Ada')
    const before = await ada.token()
    const stolen = new TestPerson(server.url, ORIGIN, ada.cookies)
    expect((await ada.post('/auth/sign-out', {})).status).toBe(200)
    for (const who of [ada, stolen]) expect((await who.get('/auth/token')).status).toBe(401)
    expect((await ada.call('/api/actions/createEvent', EVENT, before)).status).toBe(200)
    await ada.post('/auth/sign-in/email', { email: ada.email, password: ada.password })
    expect(decodeJwt(await ada.token()).sub).toBe(decodeJwt(before).sub)
  })

  it('takes a cookie from its own pages alone', PATIENCE, async () => {
    const ada = person()
    await ada.signUp('Ada')
    const elsewhere = new TestPerson(server.url, 'https://evil.example.com', ada.cookies)
    expect((await elsewhere.post('/auth/sign-out', {})).status).toBe(403)
    expect((await ada.get('/auth/token')).status).toBe(200)
  })

  it('counts tries by the address that Deputy knows, on all servers together', PATIENCE, async () => {
    await using other = await serve(await production())
    const tries = (who: TestPerson, more: object = {}) =>
      who.post('/auth/sign-in/email', { email: 'x@example.com', password: 'another password' }, { ...more })
    const eve = person()
    const elsewhere = new TestPerson(other.url, ORIGIN, undefined, eve.address)
    const statuses: number[] = []
    for (const who of [eve, elsewhere, eve, elsewhere]) statuses.push((await tries(who)).status)
    expect(statuses).toEqual([401, 401, 401, 429])
    // What she says herself changes nothing.
    expect((await tries(eve, { 'x-client-address': '9.9.9.9' })).status).toBe(429)
    expect((await tries(person())).status).toBe(401)
  })

  it('signs with another key after a while, and what the last one signed stays good', PATIENCE, async () => {
    const ada = person()
    await ada.signUp('Ada')
    const before = await ada.token()
    expect((await ada.call('/api/actions/createEvent', EVENT, before)).status).toBe(200)
    await sql(`update auth.jwks set "expiresAt" = now() - interval '1 minute'`)
    const after = await ada.token()
    expect(decodeProtectedHeader(after).kid).not.toBe(decodeProtectedHeader(before).kid)
    const status = async (token: string) => (await ada.call('/api/actions/createEvent', EVENT, token)).status
    // The keys are asked for again 30 s after the last time at the earliest.
    await expect.poll(() => status(after), SOON).toBe(200)
    expect(await status(before)).toBe(200)
  })

  it('goes on when its connections are cut', PATIENCE, async () => {
    const ada = person()
    await ada.signUp('Ada')
    const cut = await sql(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${database}' and query like '%"auth"."%' and pid <> pg_backend_pid()`,
    )
    expect(cut.length).toBeGreaterThan(0)
    await expect.poll(async () => (await ada.get('/auth/token')).status, SOON).toBe(200)
  })

  it('takes another secret, while it still has the last one', PATIENCE, async () => {
    const ada = person()
    await ada.signUp('Ada')
    const next = `1:${randomBytes(32).toString('base64')}`
    await using other = await serve(await production({ BETTER_AUTH_SECRETS: next }))
    const again = new TestPerson(other.url, ORIGIN, ada.cookies)
    expect((await again.get('/auth/token')).status).toBe(401)
    await again.post('/auth/sign-in/email', { email: ada.email, password: ada.password })
    expect((await again.call('/api/actions/createEvent', EVENT)).status).toBe(200)
  })

  it('is the sign-in of the built front end', PATIENCE, async () => {
    const env = await production({ TRUSTED_PROXIES: '' })
    const url = `http://127.0.0.1:${env.PORT}`
    const own = { BETTER_AUTH_URL: url, AUTH_JWT_ISSUER: url, AUTH_JWT_AUDIENCE: url }
    await using served = await serve({ ...env, ...own })
    await using chromium = await openBrowser()
    const page = await chromium.browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !/^Failed to load resource/.test(message.text()))
        problems.push(message.text())
    })
    const tokens = () => asked.filter((path) => path === '/auth/token').length
    const asked: string[] = []
    page.on('request', (request) => asked.push(new URL(request.url()).pathname))
    const email = `ada-${randomUUID()}@example.com`
    const enter = async (password: string, button: string) => {
      await page.getByLabel('Email').fill(email)
      await page.getByLabel('Password').fill(password)
      await page.getByRole('button', { name: button }).click()
    }
    const heading = page.getByRole('heading', { name: 'Create an event' })

    await page.goto(served.url)
    await page.getByRole('button', { name: 'I am new here' }).click(SOON)
    await page.getByLabel('Name').fill('Ada Lovelace')
    await enter('a long password', 'Make an account')
    await heading.waitFor(SOON)
    await page.getByText('Ada Lovelace').waitFor(SOON)
    const [account] = await sql(`select id from auth."user" where email = '${email}'`)
    expect(await sql(`select name, email from users where record_id = '${account?.id}'`)).toEqual([
      { name: 'Ada Lovelace', email: null },
    ])
    await page.getByLabel('Title').fill('Launch')
    await page.getByLabel('Starts at').fill('2030-01-01T18:00')
    await page.getByLabel('Places').fill('2')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await page.getByRole('link', { name: 'Launch' }).waitFor(SOON)

    await page.reload()
    await page.getByRole('link', { name: 'Launch' }).waitFor(SOON)
    // Neither scripts nor storage have what would outlive the page.
    expect(
      await page.evaluate('document.cookie + JSON.stringify({ ...localStorage, ...sessionStorage })'),
    ).toBe('{}')

    // The token ends while there is no connection: the page asks again, and goes on.
    const before = tokens()
    await page.route('**/auth/token', (route) => route.abort())
    await page.evaluate(`Date.now = ((now) => () => now() + 15 * 60_000)(Date.now)`)
    await page.getByRole('link', { name: 'Launch' }).click()
    await expect.poll(tokens, SOON).toBeGreaterThan(before)
    await page.unroute('**/auth/token')
    await page.goBack()
    await page.getByRole('link', { name: 'Launch' }).click(SOON)
    await page.getByLabel('User to invite').fill('bob')
    await page.getByRole('button', { name: 'Invite' }).click()
    await page.getByText('1 of 2 places taken').waitFor(SOON)

    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('button', { name: 'I am new here' }).waitFor(SOON)
    await page.reload()
    await enter('another password', 'Sign in')
    await page.getByText('Invalid email or password').waitFor(SOON)
    await enter('a long password', 'Sign in')
    await page.getByRole('link', { name: 'Launch' }).waitFor(SOON)
    expect(problems).toEqual([])
  })

  describe.sequential('with mail and deletion', () => {
    const MAILS = '/emails'
    const mailTo = (email: string) =>
      upstream.received.filter(({ path, body }) => path === MAILS && JSON.stringify(body).includes(email))

    beforeAll(async () => {
      await server[Symbol.asyncDispose]()
      const more = await stepsOf(PAGE, 'Mail, and accounts that are deleted')
      await follow(more, app, (commands) => runIn(app, 'bash', ['-e', '-c', commands]))
      await runIn(app, 'npm', ['run', 'check'])
      await runIn(app, 'npm', ['run', 'build'])
      upstream.onPath(MAILS, (_, response) => json(response, 200, { id: randomUUID() }))
      server = await serve(
        await production({
          RESEND_BASE_URL: upstream.url,
          RESEND_API_KEY: 'resend-key-of-this-test',
          ALLOW_PRIVATE_UPSTREAMS: new URL(upstream.url).host,
          OWNER_CREDITS: 'unmetered',
        }),
      )
    }, PATIENCE.timeout)

    it('an address is verified by the link of a mail', PATIENCE, async () => {
      const ada = person()
      await ada.signUp('Ada')
      expect(decodeJwt(await ada.token()).email_verified).toBe(false)
      await expect.poll(() => mailTo(ada.email).length, SOON).toBe(1)
      const [link = ''] =
        /https:\/\/app\.example\.com\/auth\/verify-email\?[^\s"\\]+/.exec(
          JSON.stringify(mailTo(ada.email)[0]?.body),
        ) ?? []
      const opened = await ada.get(link.slice(ORIGIN.length))
      expect([opened.status, opened.headers.get('location')]).toEqual([302, '/'])
      expect(decodeJwt(await ada.token())).toMatchObject({ email: ada.email, email_verified: true })
      expect((await ada.call('/api/users/register')).status).toBe(200)
      expect(await (await ada.call('/api/users/me')).json()).toMatchObject({
        data: { user: { data: { name: 'Ada', email: ada.email } } },
      })
      const [kept] = await sql(
        `select input::text from deputy.audit_detail where input::text like '%${ada.email}%' and input::text like '%link%'`,
      )
      expect(kept?.input).not.toContain('verify-email')
    })

    it('an account is deleted with what is its own, and no other', PATIENCE, async () => {
      const [ada, bob] = [person(), person()]
      for (const who of [ada, bob]) {
        await who.signUp('Ada')
        await who.call('/api/users/register')
        await who.call('/api/actions/createEvent', EVENT)
      }
      const { sub } = decodeJwt(await ada.token())
      const token = await ada.token()
      const wrong = await ada.post('/auth/delete-user', { password: 'another password' })
      expect(wrong.status).toBe(400)
      const deleted = await ada.post('/auth/delete-user', { password: ada.password })
      expect(deleted.status).toBe(200)
      expect((await ada.get('/auth/token')).status).toBe(401)
      const left = (user: unknown) =>
        sql(
          `select (select count(*)::int from events where created_by = '${user}') as events, (select count(*)::int from users where record_id = '${user}') as users, (select count(*)::int from auth."user" where id = '${user}') as accounts`,
        )
      expect(await left(sub)).toEqual([{ events: 0, users: 0, accounts: 0 }])
      expect(await left(decodeJwt(await bob.token()).sub)).toEqual([{ events: 1, users: 1, accounts: 1 }])
      expect((await ada.call('/api/users/me', undefined, token)).status).toBe(200)
    })
  })
})

/** A port that no one has, for an address that must be known before the server is. */
async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  listener.close()
  await once(listener, 'close')
  if (address === null || typeof address === 'string') throw new Error('It listens on no port')
  return address.port
}
