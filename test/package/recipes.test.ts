// Follows docs/recipes.md in a copy of the example, on the embedded database.
import { spawnSync } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/guarded.ts'
import { type Step, shown, stepsOf } from '../support/page-steps.ts'
import { deputyCommand } from '../support/programs.ts'
import { copyExample } from './copy-example.ts'
import { follow } from './follow.ts'
import { KEY_ID, type ObjectStore, REGION, SECRET_KEY, startObjectStore } from './object-store.ts'
import { runIn, type StartedApp, startPackedApp } from './packed-app.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const PAGE = 'recipes.md'
const PATIENCE = { timeout: 300_000 }
const PNG = Buffer.from('89504e470d0a1a0a', 'hex')
const PROMISE = { name: 'me.png', contentType: 'image/png', bytes: PNG.length }

interface Answer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: what is read of it, an assertion looks at.
  readonly body: any
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let store: ObjectStore
let server: StartedApp
let seeding: readonly Step[]

const environment = (more: Readonly<Record<string, string>> = {}) => ({
  DATA_DIR: join(directory.path, '.deputy'),
  OWNER_USER_ID: 'owner',
  S3_BUCKET_URL: store.url,
  S3_REGION: REGION,
  S3_ACCESS_KEY_ID: KEY_ID,
  S3_SECRET_ACCESS_KEY: SECRET_KEY,
  ...more,
})
const deputy = async (args: readonly string[], env: Readonly<Record<string, string>> = environment()) =>
  runIn(directory.path, process.execPath, [...(await deputyCommand()).program, ...args], env)
const start = async (env = environment()) =>
  startPackedApp(directory.path, [process.execPath, ...(await deputyCommand()).program, 'start'], env)

const tokens = new Map<string, Promise<string>>()
/** A token of a user, which the command signs. */
function tokenOf(user: string): Promise<string> {
  const token = tokens.get(user) ?? deputy(['token', user]).then((text) => text.trim())
  tokens.set(user, token)
  return token
}

/** Calls an action as a user. */
async function call(user: string, action: string, input: object, headers: object = {}): Promise<Answer> {
  const token = await tokenOf(user)
  const answer = await fetch(`${server.url}/api/actions/${action}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
    body: JSON.stringify(input),
  })
  return { status: answer.status, body: await answer.json() }
}

beforeAll(async () => {
  directory = await temporaryDirectory('recipes')
  store = await startObjectStore()
  await copyExample(directory.path)
  const run = async (commands: string) => {
    const [, name = '', version] = /^npm install ([\w-]+)@(\S+)$/m.exec(commands) ?? []
    if (version !== undefined) return expectInstalled(name, version)
    return runIn(directory.path, 'bash', ['-e', '-c', commands])
  }
  await follow(await stepsOf(PAGE, 'Uploads that go past the server'), directory.path, run)
  seeding = await stepsOf(PAGE, 'Data to begin with')
  await follow(seeding, directory.path, run)
  server = await start()
}, PATIENCE.timeout)
afterAll(async () => {
  await server?.[Symbol.asyncDispose]()
  await store[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
}, PATIENCE.timeout)
beforeEach(() => Object.assign(store, { lateMs: undefined, failing: undefined }))

/** What the page installs is what the copy has. */
async function expectInstalled(name: string, version: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'))
  expect(manifest.devDependencies).toMatchObject({ [name]: version })
}

it('what the page prints compiles in the example', PATIENCE, () => {
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const { status, stdout } = spawnSync(process.execPath, [tsc, '--noEmit', '-p', directory.path], {
    encoding: 'utf8',
  })
  expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
})

describe('an upload', PATIENCE, () => {
  /** Asks for an upload as a user, and sends it. */
  async function send(
    user: string,
    more: { body?: Buffer; headers?: object; change?: (url: URL) => unknown } = {},
  ) {
    const { body } = await call(user, 'requestUpload', PROMISE)
    const { uploadId, url: signed, headers } = body.data
    const url = new URL(signed)
    more.change?.(url)
    const put = () =>
      fetch(url, {
        method: 'PUT',
        headers: { ...headers, ...more.headers },
        body: new Uint8Array(more.body ?? PNG),
      })
    return { uploadId: uploadId as string, status: (await put()).status, put }
  }
  const stateOf = async (user: string, uploadId: string) => {
    const token = await tokenOf(user)
    const answer = await fetch(`${server.url}/api/records/uploads/${uploadId}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    const { data } = JSON.parse(await answer.text())
    return answer.ok ? data.record.data.status : answer.status
  }

  it('goes to the store, and is recorded once it is there', async () => {
    const { uploadId, status } = await send('ada')
    expect(status).toBe(200)
    expect([...store.objects.values()].at(-1)).toEqual({ bytes: PNG, contentType: 'image/png' })
    expect(await stateOf('ada', uploadId)).toBe('promised')
    expect(await call('ada', 'recordUpload', { uploadId })).toMatchObject({ status: 200 })
    expect(await stateOf('ada', uploadId)).toBe('stored')
    expect(await call('ada', 'recordUpload', { uploadId })).toMatchObject({ status: 200 })
  })

  it('is no one else’s, who learns nothing of it', async () => {
    const { uploadId } = await send('ada')
    const refused = await call('eve', 'recordUpload', { uploadId })
    expect(refused).toMatchObject({ status: 404 })
    const missing = await call('eve', 'recordUpload', { uploadId: 'nothing' })
    expect(missing.body.error.replace('nothing', uploadId)).toBe(refused.body.error)
    expect(await stateOf('eve', uploadId)).toBe(404)
    expect(await stateOf('ada', uploadId)).toBe('promised')
  })

  it.each([
    ['of another type', { headers: { 'content-type': 'text/html' } }],
    ['that is longer', { body: Buffer.concat([PNG, PNG]) }],
    ['that is shorter', { body: PNG.subarray(1) }],
    ['that may replace another', { headers: { 'if-none-match': 'x' } }],
    ['under another name', { change: (url: URL) => Object.assign(url, { pathname: `${url.pathname}0` }) }],
    ['for longer', { change: (url: URL) => url.searchParams.set('X-Amz-Expires', '86400') }],
    ['that is not signed', { change: (url: URL) => url.searchParams.delete('X-Amz-Signature') }],
  ])('%s is refused by the store', async (_, more) => {
    const before = store.objects.size
    const { uploadId, status } = await send('ada', more)
    expect(status).toBe(403)
    expect(store.objects.size).toBe(before)
    expect(await call('ada', 'recordUpload', { uploadId })).toMatchObject({
      status: 412,
      body: { code: 'PRECONDITION_FAILED', error: 'The file has not arrived: send it first.' },
    })
  })

  it('is refused after five minutes, and the second time', async () => {
    const { status, put } = await send('ada')
    expect([status, (await put()).status]).toEqual([200, 412])
    store.lateMs = 299_999
    expect((await put()).status).toBe(412)
    store.lateMs = 300_000
    expect((await put()).status).toBe(403)
  })

  it('is not recorded where the store has something else, or does not answer', async () => {
    const { uploadId } = await send('ada')
    const [name = ''] = [...store.objects.keys()].filter((key) => key.endsWith(uploadId))
    for (const other of [
      { bytes: PNG.subarray(1), contentType: 'image/png' },
      { bytes: PNG, contentType: 'text/html' },
    ]) {
      store.objects.set(name, other)
      expect(await call('ada', 'recordUpload', { uploadId })).toMatchObject({ status: 409 })
    }
    store.failing = 500
    expect(await call('ada', 'recordUpload', { uploadId })).toMatchObject({ status: 502 })
    expect(await stateOf('ada', uploadId)).toBe('promised')
  })

  it.each([
    [{ contentType: 'image/svg+xml' }, 'contentType'],
    [{ bytes: 10 * 1024 * 1024 + 1 }, 'bytes'],
    [{ bytes: 0 }, 'bytes'],
  ])('of %j is not signed', async (wrong, field) => {
    const refused = await call('ada', 'requestUpload', { ...PROMISE, ...wrong })
    expect(refused).toMatchObject({ status: 400, body: { code: 'BAD_REQUEST' } })
    expect(JSON.stringify(refused.body)).toContain(field)
  })
})

describe('data to begin with', PATIENCE, () => {
  const startsAt = '2031-05-01T18:00:00Z'

  it('is shown by a dry run, written once by the owner, and left alone after that', async () => {
    expect(await call('ada', 'seed', {})).toMatchObject({ status: 403 })
    const dry = await call('owner', 'seed', {}, { 'deputy-dry-run': 'true' })
    expect(dry.body.data.dryRun).toMatchObject({
      outcome: 'would commit',
      result: { created: 2 },
      writes: [
        { operation: 'create', recordId: 'seed-launch' },
        { operation: 'create', recordId: 'seed-dinner' },
      ],
    })
    expect(await call('owner', 'seed', {})).toMatchObject({ body: { data: { created: 2 } } })
    const changed = await call('owner', 'rescheduleEvent', { eventId: 'seed-launch', startsAt })
    expect(changed).toMatchObject({ status: 200 })
    expect(await call('owner', 'seed', {})).toMatchObject({ body: { data: { created: 0 } } })
    const answer = await fetch(`${server.url}/api/records/events/seed-launch`)
    expect(JSON.parse(await answer.text())).toMatchObject({
      data: { record: { data: { startsAt: '2031-05-01T18:00:00.000Z' } } },
    })
  })

  it('is written by the commands of the page, and in production only where that is said', async () => {
    await deputy(['build'])
    const production = environment({
      NODE_ENV: 'production',
      DATA_DIR: join(directory.path, '.production'),
      AUTH_JWT_SECRET: 's'.repeat(48),
      AUTH_JWT_ISSUER: 'https://id.test',
      AUTH_JWT_AUDIENCE: 'app',
    })
    const run = (name: string, env: Readonly<Record<string, string>>) =>
      deputy(shown(seeding, name).trim().split(' ').slice(2), env)
    await expect(run('seed', production)).rejects.toThrow('SEED=allowed')
    const allowed = { ...production, SEED: 'allowed' }
    expect(JSON.parse(await run('dry-run', allowed))).toMatchObject({
      data: { dryRun: { result: { created: 2 } } },
    })
    expect(JSON.parse(await run('seed', allowed))).toMatchObject({ data: { created: 2 } })
    expect(JSON.parse(await run('seed', allowed))).toMatchObject({ data: { created: 0 } })
  })
})
