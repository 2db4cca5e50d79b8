import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { makeAppFolder } from './app-folder.ts'

vi.setConfig({ testTimeout: 300_000, hookTimeout: 180_000 })

const app = await makeAppFolder()
afterAll(() => app[Symbol.asyncDispose]())
beforeAll(async () => {
  expect(await app.deputy(['generate', '--name', 'init'])).toMatchObject({ code: 0 })
})

async function startServer() {
  const { child, output, ended } = app.start(['start'], { PORT: '0', LOG_LEVEL: 'silent' })
  let url: string | undefined
  while (url === undefined) {
    if (child.exitCode !== null) throw new Error(output.stdout + output.stderr)
    await once(child.stdout, 'data')
    url = /^Deputy listens on (\S+)$/m.exec(output.stdout)?.[1]
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      expect(await ended).toBe(0)
    },
  }
}

/** What is the same with a server and without. */
async function callsWork(key: string) {
  const note = ['call', 'writeNote', '-', '--as', 'ada', '--idempotency-key', key]
  const written = await app.deputy(note, { stdin: '{ "text": "Hello" }' })
  expect(written).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(written.stdout)).toMatchObject({ success: true, data: { recordId: expect.any(String) } })
  const again = await app.deputy(note, { stdin: '{ "text": "Hello" }' })
  expect(JSON.parse(again.stdout)).toEqual(JSON.parse(written.stdout))
  const refused = await app.deputy(['call', 'countNotes', '--as', 'ada'])
  expect(refused.code).toBe(1)
  expect(JSON.parse(refused.stdout)).toMatchObject({ success: false, code: 'FORBIDDEN' })
}

describe('deputy call', () => {
  test('calls in process, through gate, key and audit', async () => {
    await callsWork('k1')
    const dry = await app.deputy(['call', 'writeNote', '{"text":"x"}', '--as', 'owner', '--dry-run'])
    expect(JSON.parse(dry.stdout)).toMatchObject({ success: true })
    const counted = await app.deputy(['call', 'countNotes', '--as', 'owner'])
    expect(JSON.parse(counted.stdout)).toMatchObject({ success: true, data: { count: 1 } })
    const { stdout } = await app.deputy(['audit', 'list'])
    expect(stdout.split('\n').map((line) => line.split('\t').slice(1, 4))).toEqual(
      expect.arrayContaining([
        ['OK', 'countNotes', 'owner'],
        ['FORBIDDEN', 'countNotes', 'ada'],
        ['OK', 'writeNote', 'ada'],
      ]),
    )
  })

  test('and what else needs the data goes through the server that has the database open', async () => {
    await using server = await startServer()
    expect((await stat(join(app.path, '.deputy/server.json'))).mode & 0o777).toBe(0o600)
    await callsWork('k2')
    const audit = await app.deputy(['audit', 'list', '--limit', '1', '--action', 'writeNote'])
    expect(audit).toMatchObject({
      code: 0,
      stderr: '',
      stdout: expect.stringMatching(/^\S+Z\t\w+\twriteNote\tada\t/),
    })
    const grant = ['credits', 'grant', '--account', 'ada', '--amount', '5', '--key', 'k1']
    expect(await app.deputy(grant)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Granted 5 .* 5 available/),
    })
    const statement = await app.deputy(['credits', 'statement', '--account', 'ada'])
    expect(statement.stdout).toMatch(/Z\tgrant\t5\t0\t.*\tk1\towner\n$/)
    expect(await app.deputy(['outbox', 'list'])).toEqual({
      code: 0,
      stdout: '',
      stderr: 'No message waits to be sent.\n',
    })
    const dropped = await app.deputy(['outbox', 'drop', 'no-such'])
    expect(dropped).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('no-such') })
    const pruned = await app.deputy(['audit', 'prune', '--older-than', '1h'])
    expect(pruned).toMatchObject({ code: 0, stderr: '' })
    expect(pruned.stdout).toMatch(/^Removed 0 entries and 0 details from before \S+Z in the database of /)
    const erased = await app.deputy(['audit', 'erase', '--user', 'ada'])
    expect(erased).toMatchObject({ code: 0, stderr: '' })
    expect(erased.stdout).toMatch(
      /^Erased [1-9]\d* details of ada in the database of the server that runs\.\n$/,
    )
    const all = await app.deputy(['credits', 'balance'])
    expect(all).toEqual({ code: 0, stdout: 'ada\t5\t0\n', stderr: '' })
    const migrated = await app.deputy(['migrate'])
    expect(migrated).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('To start a server again is enough: at its start it applies what'),
    })
    const examined = await app.deputy(['doctor'])
    expect(examined.stdout).toContain(`The server at ${server.url} has it open`)

    const token = (await app.deputy(['token', 'eve'])).stdout.trim()
    const remote = await app.deputy([
      'call',
      'writeNote',
      '{"text":"Hi"}',
      '--url',
      server.url,
      '--token',
      token,
    ])
    expect(remote).toMatchObject({ code: 0 })
  })

  test('tells of a server that is not there, and of what is no call', async () => {
    const away = await app.deputy(['call', 'writeNote', '--url', 'http://127.0.0.1:1', '--token', 'x'])
    expect(away).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining('does not answer') })
    expect(away.stderr).not.toMatch(/^\s+at /m)
    const nobody = await app.deputy(['call', 'writeNote'])
    expect(nobody).toMatchObject({ code: 2, stderr: expect.stringContaining('Say who calls: --as USER') })
    const json = await app.deputy(['call', 'writeNote', '{text', '--as', 'ada'])
    expect(json).toMatchObject({ code: 2, stderr: expect.stringContaining('The input is no JSON') })
  })
})
