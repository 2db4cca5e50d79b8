// A front end in a repository of its own: what it installs, compiles, bundles and calls, with the oldest and the newest
// of tRPC and superjson that the client takes.
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import { gzipSync } from 'node:zlib'
import { text } from 'drizzle-orm/pg-core'
import { build, type Rollup } from 'vite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { collection } from '../../drizzle/engine/collection.ts'
import { createBuilders } from '../../server/builders/action.ts'
import { writeRouterTypes } from '../../server/cli/write-router-types.ts'
import { ok } from '../../server/core/result.ts'
import { createTestApp } from '../../server/testing/create-test-app.ts'
import { fixture } from '../fixture/app.ts'
import { runGuarded, temporaryDirectory } from '../support/guarded.ts'
import { COMPILERS, type Version } from '../types/compile.ts'
import { generateApp } from '../types/generated-app.ts'
import { packPackages } from './packed-app.ts'

const ROOT = resolve(import.meta.dirname, '../..')
const MAX_PACKAGES = 8
const MAX_BYTES = 15_000_000
/** With any version of tRPC and superjson, without what is loaded with the first live query. */
const MAX_BUNDLE_BYTES = 15_000
const ACTIONS = 500
/** As many as the generated app has. */
const COLLECTIONS = 40
/** What the declarations of so many actions may add to a program that has none. */
const MAX_LINES = 10_000
const MAX_TYPES = 10_000
const MAX_INSTANTIATIONS = 10_000

/** Of the hooks alone. */
const MAX_HOOKS_BYTES = 6_000

/**
 * The React package of tRPC, which takes one version of tRPC alone: the oldest that the client takes. TanStack Query and
 * React in the oldest versions that the hooks take.
 */
const REACT_QUERY = ['@trpc/tanstack-react-query@11.22.1', '@tanstack/react-query@5.90.2', 'react@18.2.0']
const REACT_TYPES = '@types/react@18.3.12'
const OLDEST = ['@trpc/client@11.22.1', '@trpc/server@11.22.1', 'superjson@2.2.2']

const FRONT_END = `
import { createClient, DeputyError, unwrap } from 'deputyjs-client'
import type { AppRouter } from './app-router.js'

const client = createClient<AppRouter>({ url: 'http://127.0.0.1:3000', token: async () => 'token', fetch })

export async function invite(eventId: string): Promise<string> {
  try {
    const launch = { title: 'Launch', startsAt: new Date(), capacity: 5, summary: undefined }
    unwrap(await client.records.events.create.mutate({ data: launch }))
    unwrap(await client.records.events.update.mutate({ recordId: eventId, patch: { summary: null } }))
    const { recordId } = unwrap(await client.actions.inviteAttendee.mutate({ eventId, attendeeId: 'bob' }))
    const page = unwrap(await client.actions.listAttendees.query({ eventId, limit: 10 }))
    const first: Date | null | undefined = page.records[0]?.createdAt
    const status: 'invited' | 'accepted' | 'declined' | undefined = page.records[0]?.data.status
    const shown = client.actions.listAttendees.live.subscribe(
      { eventId, limit: 10 },
      { onData: (result) => void (result.success && (result.data.records[0]?.createdAt satisfies Date | null | undefined)) },
    )
    shown.unsubscribe()
    await client.records.events.list.query({ where: { OR: [{ startsAt: { gt: new Date() } }] }, orderBy: 'title' })
    await client.integrations.request.mutate({ endpoint: 'weather/forecast', data: { latitude: 1, longitude: 2 } })
    return [recordId, first?.toISOString(), status].join()
  } catch (error) {
    if (error instanceof DeputyError) return error.code ?? 'no answer'
    throw error
  }
}
`
/** Each line but the first three is one mistake. */
const MISTAKES = `import { createClient } from 'deputyjs-client'
import type { AppRouter } from './app-router.js'
const client = createClient<AppRouter>({ url: 'http://127.0.0.1:3000' })
void client.actions.inviteAttendee.mutate({ eventId: 1, attendeeId: 'bob' })
void client.actions.inviteEverybody.mutate({})
void client.actions.createEvent.mutate({ title: 'x', startsAt: '2030-01-01', capacity: 1 })
void client.actions.createEvent.query({ title: 'x', startsAt: new Date(), capacity: 1 })
void client.actions.syncProfile.mutate()
void client.records.events.update.mutate({ recordId: 'x', patch: { titel: 'x' } })
void client.records.events.update.mutate({ recordId: 'x', patch: { attendeeCount: 5 } })
void client.records.events.list.query({ where: { titel: 'x' } })
void client.records.events.list.query({ orderBy: 'titel' })
void client.integrations.request.mutate({ endpoint: 'openai/chat-completion', data: {} })
void client.actions.createEvent.live
void client.actions.listAttendees.live.subscribe({ event: 'x' }, {})
`
const MISTAKEN_LINES = [4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]

/** Packages of tRPC's, which compile only without a look at their own declarations. */
const REACT = `
import { createClient } from 'deputyjs-client'
import { toTRPCClient, type TRPCRouter } from 'deputyjs-client/trpc'
import { createTRPCOptionsProxy } from '@trpc/tanstack-react-query'
import { QueryClient } from '@tanstack/react-query'
import type { AppRouter } from './app-router.js'

const client = createClient<AppRouter>({ url: 'http://127.0.0.1:3000' })
const queryClient = new QueryClient()
export const trpc = createTRPCOptionsProxy<TRPCRouter<AppRouter>>({ client: toTRPCClient<AppRouter>(client), queryClient })
export const options = trpc.actions.listAttendees.queryOptions({ eventId: 'x' })
export const read = async () => {
  const page = await queryClient.fetchQuery(options)
  return page.success ? page.data.records[0]?.createdAt?.toISOString() : page.code
}
// @ts-expect-error: there is no field of this name.
trpc.actions.listAttendees.queryOptions({ event: 'x' })
`

/** The hooks. */
const HOOKS = `
import { createDeputy, fieldErrors } from 'deputyjs-client/react'
import type { AppRouter } from './app-router.js'

export const deputy = createDeputy<AppRouter>()
export const connection = deputy.connect({ url: 'http://127.0.0.1:3000' })
export function useEvents() {
  const list = deputy.records.events.useList({ where: { title: 'x' } })
  const pages = deputy.records.events.useInfiniteList({ limit: 5 })
  const create = deputy.actions.createEvent.useMutation()
  const { update } = deputy.useRecords('events')
  const startsAt: Date | undefined = list.data?.records[0]?.data.startsAt
  const title: string | undefined = fieldErrors(create.error).title
  return {
    startsAt,
    title,
    isLast: !pages.hasNextPage,
    create: () => create.mutate({ title: 'x', startsAt: new Date(), capacity: 1 }),
    rename: (recordId: string) => update.mutate({ recordId, patch: { title: 'y' } }),
  }
}
// @ts-expect-error: there is no field of this name.
void (() => deputy.actions.listAttendees.useQuery({ event: 'x' }))
Object.assign(globalThis, { connection, useEvents, Provider: deputy.Provider })
`

const CLIENT_ENTRY = "import { invite } from './front-end.ts'\nObject.assign(globalThis, { invite })\n"

/** Calls a server by what the hooks are made of, and tells what came of it. */
const HOOK_CALLS = `
import { MutationObserver } from '@tanstack/react-query'
import { createDeputy } from 'deputyjs-client/react'
const [url, token] = process.argv.slice(2)
const deputy = createDeputy()
const written = []
const { queryClient } = deputy.connect({ url, token, onWritten: (records) => written.push(...records) })
const list = deputy.records.events.list.queryOptions({ where: { title: 'Hooked' } })
const before = await queryClient.fetchQuery(list)
const create = new MutationObserver(queryClient, deputy.actions.createEvent.mutationOptions())
const event = { title: 'Hooked', startsAt: new Date('2030-01-01T18:00:00.250Z'), capacity: 2 }
const [one, two] = await Promise.all([create.mutate(event), create.mutate(event)])
const after = await queryClient.fetchQuery(list)
console.log(JSON.stringify({
  counts: [before.count, after.count],
  isOne: one.recordId === two.recordId,
  written: written.map(({ collection, recordId }) => [collection, recordId === one.recordId]),
  failure: await queryClient.fetchQuery(deputy.records.events.get.queryOptions({ recordId: 'none' })).catch(({ code }) => code),
}))
`
const HOOK_ANSWERS = { counts: [0, 1], isOne: true, written: [['events', true]], failure: 'NOT_FOUND' }

/** Calls a server, and tells what came of it. */
const CALLS = `
import { createClient, DeputyError, unwrap } from 'deputyjs-client'
const [url, token] = process.argv.slice(2)
let lost = 1
const client = createClient({ url, token, retries: { baseDelayMs: 1 }, fetch: async (input, init) => {
  const answer = await fetch(input, init)
  // The first answer is lost on its way: the same call goes out again, and is done once.
  if (init.method === 'POST' && lost-- > 0) throw new TypeError('lost')
  return answer
} })
const caught = (call) => call.then(() => 'no error', (error) => [error instanceof DeputyError, error.code, typeof error.requestId])
const event = { title: 'Launch', startsAt: new Date('2030-01-01T18:00:00.250Z'), capacity: 2 }
const { recordId: eventId } = unwrap(await client.actions.createEvent.mutate(event))
const invited = await Promise.all(['bob', 'eve', 'joe'].map((attendeeId) => client.actions.inviteAttendee.mutate({ eventId, attendeeId })))
const { record } = unwrap(await client.records.events.get.query({ recordId: eventId }))
const listed = unwrap(await client.records.events.list.query({ where: { title: 'Launch' } }))
console.log(JSON.stringify({
  invited: invited.map((result) => result.code ?? 'OK').sort(),
  startsAt: record.data.startsAt instanceof Date && record.data.startsAt.getTime(),
  events: listed.count,
  invalid: await caught(client.actions.createEvent.mutate({ ...event, capacity: -1 })),
  stranger: await caught(createClient({ url, token: 'x' }).actions.createEvent.mutate(event)),
}))
`
const ANSWERS = {
  invited: ['CONFLICT', 'OK', 'OK'],
  startsAt: Date.parse('2030-01-01T18:00:00.250Z'),
  events: 1,
  invalid: [true, 'BAD_REQUEST', 'string'],
  stranger: [true, 'UNAUTHORIZED', 'string'],
}

let directory: Awaited<ReturnType<typeof temporaryDirectory>>
let oldest: string
let newest: string
beforeAll(async () => {
  directory = await temporaryDirectory('front-end')
  const tarball = await packPackages()
  const routerTypes = await writeRouterTypes({
    app: fixture,
    file: join(ROOT, 'test/fixture/app.ts'),
    exportName: 'fixture',
  })
  const install = async (name: string, others: readonly string[]) => {
    const folder = join(directory.path, name)
    await mkdir(folder)
    await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }')
    const args = ['install', '--no-audit', '--no-fund', tarball('deputyjs-client'), ...others]
    await runGuarded('npm', args, { cwd: folder })
    const files = { 'app-router.d.ts': routerTypes, 'front-end.ts': FRONT_END, 'mistakes.ts': MISTAKES }
    const hooks = { 'hooks.ts': HOOKS, 'hook-calls.mjs': HOOK_CALLS }
    for (const [file, text] of Object.entries({ ...files, 'calls.mjs': CALLS, 'react.ts': REACT, ...hooks }))
      await writeFile(join(folder, file), text)
    return folder
  }
  oldest = await install('oldest', [...OLDEST, ...REACT_QUERY, REACT_TYPES])
  newest = await install('newest', [])
}, 600_000)
afterAll(() => directory[Symbol.asyncDispose]())

describe('what a front end installs', () => {
  it('is few packages and few bytes, beside TypeScript', async () => {
    const packages = (await packagesIn(newest)).filter(
      ({ name }) => !/^(?:@typescript\/|typescript$)/.test(name),
    )
    expect(packages.map(({ name }) => name)).toContain('deputyjs-client')
    expect(packages.length).toBeLessThanOrEqual(MAX_PACKAGES)
    const bytes = packages.reduce((sum, { bytes }) => sum + bytes, 0)
    console.log(`A front end installs ${packages.length} packages of ${bytes} bytes beside TypeScript.`)
    expect(bytes).toBeLessThanOrEqual(MAX_BYTES)
  })

  it('has one copy of each package, also beside the React package of tRPC, which takes one version alone', async () => {
    const packages = await packagesIn(oldest)
    const installed = packages.map(({ name, version }) => `${name}@${version}`)
    expect(installed).toEqual(expect.arrayContaining([...OLDEST, ...REACT_QUERY]))
    const names = packages.map(({ name }) => name)
    expect(names.filter((name, at) => names.indexOf(name) !== at)).toEqual([])
  })

  it('is newer than the oldest that the client takes, in the other folder', async () => {
    const installed = (await packagesIn(newest)).map(({ name, version }) => `${name}@${version}`)
    expect(installed.filter((name) => OLDEST.includes(name))).toEqual([])
  })
})

describe.each(Object.keys(COMPILERS) as Version[])('TypeScript %s', (version) => {
  it.each(['bundler', 'nodenext'] as const)(
    'compiles the front end with all declarations, and refuses what the app does (%s)',
    async (moduleResolution) => {
      const { errors } = await compile(version, newest, ['front-end.ts', 'mistakes.ts'], { moduleResolution })
      expect(errors).toEqual(MISTAKEN_LINES.map((line) => `mistakes.ts(${line}`))
    },
    300_000,
  )
})

it('compiles with the oldest of tRPC and superjson as well, and beside the React package of tRPC', async () => {
  const { errors } = await compile('7', oldest, ['front-end.ts', 'mistakes.ts'])
  expect(errors).toEqual(MISTAKEN_LINES.map((line) => `mistakes.ts(${line}`))
  expect((await compile('7', oldest, ['react.ts'], { skipLibCheck: true })).errors).toEqual([])
}, 300_000)

it.each(Object.keys(COMPILERS) as Version[])(
  'compiles the hooks with the oldest of TanStack Query and React, with TypeScript %s',
  async (version) => {
    expect((await compile(version, oldest, ['hooks.ts'], { skipLibCheck: true })).errors).toEqual([])
  },
  300_000,
)

it('bundles the hooks to few bytes, beside the client, React and TanStack Query', async () => {
  const client = await bundledBytes(oldest, CLIENT_ENTRY)
  const hooks = await bundledBytes(oldest, `import './hooks.ts'\n${CLIENT_ENTRY}`)
  console.log(`Vite bundles the client to ${client} bytes, gzipped, and to ${hooks} with the hooks.`)
  expect(hooks - client).toBeGreaterThan(1_000)
  expect(hooks - client).toBeLessThanOrEqual(MAX_HOOKS_BYTES)
}, 200_000)

it(`costs the compiler little at ${ACTIONS} actions`, async () => {
  await using app = await temporaryDirectory('many-actions')
  await generateApp(app.path, ACTIONS)
  const text = await writeRouterTypes({
    app: generatedParts(ACTIONS),
    file: join(app.path, 'app.ts'),
    typescript: COMPILERS['7'],
  })
  expect(text.match(/^ {4}action\d+: /gm)).toHaveLength(ACTIONS)
  await writeFile(join(newest, 'many-router.d.ts'), text)
  await writeFile(
    join(newest, 'many.ts'),
    `import { createClient, unwrap } from 'deputyjs-client'
import type { AppRouter } from './many-router.js'
const client = createClient<AppRouter>({ url: 'http://127.0.0.1:3000' })
export const made = async () => unwrap(await client.actions.action7.mutate({ id: 'x', title: 'x', size: 5 })).titles[0]
export const page = client.records.things_7.list.query({ where: { title: { startsWith: 'L' } }, orderBy: 'startsAt' })
`,
  )
  await writeFile(join(newest, 'empty.ts'), 'export {}\n')
  const empty = await compile('7', newest, ['empty.ts'])
  const many = await compile('7', newest, ['many.ts'])
  expect(many.errors).toEqual([])
  const added = (figure: 'lines' | 'types' | 'instantiations') => many[figure] - empty[figure]
  console.log(
    `${ACTIONS} actions: ${added('lines')} lines, ${added('types')} types, ${added('instantiations')} instantiations, ${many.seconds - empty.seconds} s`,
  )
  expect(added('lines')).toBeGreaterThan(ACTIONS)
  expect(added('lines')).toBeLessThan(MAX_LINES)
  expect(added('types')).toBeLessThan(MAX_TYPES)
  expect(added('instantiations')).toBeLessThan(MAX_INSTANTIATIONS)
}, 400_000)

it.each(['oldest', 'newest'] as const)(
  'is bundled by Vite to few bytes, with the %s of tRPC',
  async (which) => {
    const root = which === 'oldest' ? oldest : newest
    const entry = join(root, 'bundle.ts')
    await writeFile(
      entry,
      `${FRONT_END}\ndocument.addEventListener('click', () => void invite(document.title))\n`,
    )
    const built = (await build({
      root,
      configFile: false,
      logLevel: 'silent',
      build: { write: false, modulePreload: false, rolldownOptions: { input: entry } },
    })) as Rollup.RollupOutput
    const code = built.output
      .map((part) => (part.type === 'chunk' && !part.isDynamicEntry ? part.code : ''))
      .join('')
    expect(code).toContain('inviteAttendee')
    const bytes = gzipSync(code).length
    console.log(`Vite bundles a front end to ${bytes} bytes, gzipped, with the ${which} of tRPC.`)
    expect(bytes).toBeLessThanOrEqual(MAX_BUNDLE_BYTES)
  },
  200_000,
)

/** The bytes of a bundle, gzipped, without React and TanStack Query. */
async function bundledBytes(root: string, text: string): Promise<number> {
  const entry = join(root, 'sized.ts')
  await writeFile(entry, text)
  const built = (await build({
    root,
    configFile: false,
    logLevel: 'silent',
    build: {
      write: false,
      modulePreload: false,
      rolldownOptions: { input: entry, external: [/^react/, /^@tanstack/] },
    },
  })) as Rollup.RollupOutput
  return gzipSync(
    built.output.map((part) => (part.type === 'chunk' && !part.isDynamicEntry ? part.code : '')).join(''),
  ).length
}

describe('calls of a server', () => {
  it('go well by the hooks, with the oldest of TanStack Query', async () => {
    await using app = await createTestApp(fixture)
    const args = ['hook-calls.mjs', await app.listen(), await app.token('ada')]
    const { stdout } = await runGuarded(process.execPath, args, { cwd: oldest })
    expect(JSON.parse(stdout)).toEqual(HOOK_ANSWERS)
  })

  it.each(['oldest', 'newest'] as const)(
    'go well with the %s of tRPC and superjson',
    async (which) => {
      await using app = await createTestApp(fixture)
      const args = ['calls.mjs', await app.listen(), await app.token('ada')]
      const { stdout } = await runGuarded(process.execPath, args, {
        cwd: which === 'oldest' ? oldest : newest,
      })
      expect(JSON.parse(stdout)).toEqual(ANSWERS)
    },
    60_000,
  )
})

interface InstalledPackage {
  readonly name: string
  readonly version: string
  readonly bytes: number
}

/** Every package in a folder, however deep. */
async function packagesIn(folder: string): Promise<InstalledPackage[]> {
  const modules = join(folder, 'node_modules')
  const found: InstalledPackage[] = []
  for (const name of await readdir(modules).catch(() => [])) {
    if (name.startsWith('.')) continue
    const folders = name.startsWith('@')
      ? (await readdir(join(modules, name))).map((own) => join(name, own))
      : [name]
    for (const own of folders) {
      const { name, version } = JSON.parse(await readFile(join(modules, own, 'package.json'), 'utf8'))
      const nested = await packagesIn(join(modules, own))
      const bytes = (await bytesIn(join(modules, own))) - nested.reduce((sum, { bytes }) => sum + bytes, 0)
      found.push({ name, version, bytes }, ...nested)
    }
  }
  return found
}

async function bytesIn(folder: string): Promise<number> {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) =>
    entry.isFile(),
  )
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

interface Figures {
  /** Where the errors are: file and line. */
  readonly errors: readonly string[]
  readonly lines: number
  readonly types: number
  readonly instantiations: number
  readonly seconds: number
}

async function compile(
  version: Version,
  folder: string,
  files: readonly string[],
  options: { moduleResolution?: 'bundler' | 'nodenext'; skipLibCheck?: boolean } = {},
): Promise<Figures> {
  const { moduleResolution = 'bundler', skipLibCheck = false } = options
  const compilerOptions = {
    ...{ strict: true, noEmit: true, skipLibCheck, target: 'es2022', lib: ['es2022', 'dom'], types: [] },
    ...{ moduleResolution, module: moduleResolution === 'bundler' ? 'esnext' : 'nodenext' },
  }
  await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
  const args = [join(COMPILERS[version], 'bin/tsc'), '--extendedDiagnostics', '-p', folder]
  if (version === '7') args.push('--singleThreaded')
  const output = await runGuarded(process.execPath, args).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? '',
  )
  const places = [...output.matchAll(/^(\S*?)\((\d+),\d+\): error/gm)].map(
    ([, file = '', line]) => `${file.includes('node_modules') ? file : basename(file)}(${line}`,
  )
  const sum = (name: string) => {
    const found = [...output.matchAll(new RegExp(`^${name}:\\s+([\\d.]+)s?$`, 'gm'))]
    if (found.length === 0) throw new Error(`TypeScript ${version} told no ${name}:\n${output}`)
    return found.reduce((total, [, figure]) => total + Number(figure), 0)
  }
  return {
    errors: [...new Set(places)],
    lines: sum(version === '7' ? 'Lines' : 'Lines of \\w+'),
    types: sum('Types'),
    instantiations: sum('Instantiations'),
    seconds: sum('Total time'),
  }
}

/** The parts of the generated app, by whose names its types are asked for. */
function generatedParts(actions: number) {
  const { action } = createBuilders<{ collections: object; integrations: object; env: z.ZodObject }>()
  const nothing = action.input(z.strictObject({})).mutation(async () => ok(null))
  const numbers = Array.from({ length: actions }, (_, number) => number)
  return {
    actions: Object.fromEntries(numbers.map((number) => [`action${number}`, nothing])),
    collections: {
      users: collection(
        'users',
        { name: text(), email: text(), imageUrl: text(), role: text().notNull().default('member') },
        { systemManaged: ['name', 'email', 'imageUrl', 'role'] },
      ),
      ...Object.fromEntries(
        Array.from({ length: COLLECTIONS }, (_, number) => [
          `things${number}`,
          collection(`things_${number}`, { title: text().notNull() }),
        ]),
      ),
    },
  }
}
