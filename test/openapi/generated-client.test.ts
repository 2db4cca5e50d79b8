import { randomUUID } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { runGuarded } from '../support/guarded.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

const ROOT = join(import.meta.dirname, '../..')
/** Within the repository, so that its packages are found. */
const FOLDER = join(ROOT, 'node_modules/.deputy-openapi-client', randomUUID())

/** The main job: an event is made, somebody is invited, and the count is right. */
const CLIENT = `import createClient from 'openapi-fetch'
import type { components, paths } from './api.d.ts'

export async function mainJob(baseUrl: string, token: string, attendeeId: string) {
  const client = createClient<paths>({ baseUrl, headers: { authorization: \`Bearer \${token}\` } })
  const created = await client.POST('/api/actions/createEvent', {
    body: { title: 'Tea', startsAt: '2030-01-01T09:00:00Z', capacity: 5 },
    params: { header: { 'Idempotency-Key': 'key-of-the-test' } },
  })
  if (created.error) throw new Error(created.error.code satisfies string)
  const { recordId } = created.data.data
  const invited = await client.POST('/api/actions/inviteAttendee', { body: { eventId: recordId, attendeeId } })
  if (invited.error) throw new Error(invited.error.error)
  const event = await client.GET('/api/records/events/{recordId}', { params: { path: { recordId } } })
  const record: components['schemas']['record.events'] | undefined = event.data?.data.record
  const listed = await client.POST('/api/actions/listAttendees', { body: { eventId: recordId } })
  const missing = await client.GET('/api/records/events/{recordId}', { params: { path: { recordId: 'none' } } })
  return {
    count: record?.data.attendeeCount satisfies number | undefined,
    attendees: listed.data?.data.records.map(({ data }) => data.attendeeId satisfies string),
    missing: missing.error?.code,
  }
}

export function misuse(client: ReturnType<typeof createClient<paths>>) {
  // @ts-expect-error: there is no such address.
  client.POST('/api/actions/createEvents', { body: {} })
  // @ts-expect-error: a field is missing.
  client.POST('/api/actions/createEvent', { body: { title: 'Tea', capacity: 5 } })
  // @ts-expect-error: it is called with POST.
  client.GET('/api/actions/createEvent')
}
`

const TSCONFIG = {
  compilerOptions: {
    target: 'es2023',
    module: 'nodenext',
    lib: ['es2023', 'dom', 'dom.iterable'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    noEmit: true,
  },
  include: ['*.ts'],
}

let app: TestApp
beforeAll(async () => {
  app = await createTestApp()
  await mkdir(FOLDER, { recursive: true })
  await writeFile(join(FOLDER, 'openapi.json'), app.openApi().text)
  await writeFile(join(FOLDER, 'client.ts'), CLIENT)
  await writeFile(join(FOLDER, 'package.json'), '{ "type": "module" }')
  await writeFile(join(FOLDER, 'tsconfig.json'), JSON.stringify(TSCONFIG))
  const hook = pathToFileURL(join(import.meta.dirname, 'typescript-5.mjs')).href
  const generator = join(ROOT, 'node_modules/openapi-typescript/bin/cli.js')
  await runGuarded(process.execPath, ['--import', hook, generator, 'openapi.json', '-o', 'api.d.ts'], {
    cwd: FOLDER,
  })
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await rm(FOLDER, { recursive: true, force: true })
})

it('compiles strictly, and does the main job', async () => {
  const compiled = await runGuarded(process.execPath, [
    join(ROOT, 'node_modules/typescript/bin/tsc'),
    '-p',
    FOLDER,
  ]).catch((error: { readonly stdout: string }) => error)
  expect(compiled.stdout).toBe('')
  const { mainJob } = await import(pathToFileURL(join(FOLDER, 'client.ts')).href)
  const attendeeId = randomUUID()
  expect(await mainJob(await app.listen(), await app.token('ada'), attendeeId)).toEqual({
    count: 1,
    attendees: [attendeeId],
    missing: 'NOT_FOUND',
  })
})
