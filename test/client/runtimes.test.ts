import { randomFillSync } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { createContext, Script } from 'node:vm'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startScriptedServer, success } from './scripted-server.ts'

const ENTRY = fileURLToPath(new URL('../../client/core/index.ts', import.meta.url))
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

/** Calls the client inside a runtime, and tells how it went. */
const CALLS = `
async () => {
  const seen = async (work) => {
    try { return { success: (await work()).success } }
    catch (error) { return { name: error.name, isDeputyError: error instanceof deputy.DeputyError, message: error.message } }
  }
  let client
  const created = await seen(() => {
    client = deputy.createClient({ url, token: 'ada', retries: { baseDelayMs: 1 } })
    return { success: true }
  })
  if (!created.success) return { query: created, mutation: created }
  const query = await seen(() => client.actions.listAttendees.query({ eventId: 'e', limit: 10 }))
  const mutation = await seen(() => client.actions.createEvent.mutate({ title: 'x', startsAt: new Date(0), capacity: 1 }))
  return { query, mutation }
}`

/** What runtimes have, and without what Deputy's client cannot be. */
const NEEDED = ['fetch', 'AbortController', 'URL', 'setTimeout', 'clearTimeout', 'crypto']

let code: string
let server: Awaited<ReturnType<typeof startScriptedServer>>
beforeAll(async () => {
  server = await startScriptedServer(({ paths }, nth) =>
    // Every second answer is one that passes: the retries run in each runtime too.
    nth % 2 === 0 ? { status: 503, body: 'away' } : paths.map(() => success()),
  )
  // For a browser, a module of Node's cannot be resolved: the build would fail.
  const built = await build({
    entryPoints: [ENTRY],
    bundle: true,
    write: false,
    format: 'iife',
    globalName: 'deputy',
    platform: 'browser',
    target: 'es2020',
    logLevel: 'silent',
  })
  code = built.outputFiles[0]?.text ?? ''
})
afterAll(() => server[Symbol.asyncDispose]())

interface Seen {
  readonly success?: boolean
  readonly name?: string
  readonly isDeputyError?: boolean
  readonly message?: string
}

/** Runs the client where there is nothing but the language and these globals. */
async function callIn(globals: Record<string, unknown>) {
  const context = createContext({ ...globals, url: server.url })
  new Script(code).runInContext(context)
  const call: () => Promise<{ query: Seen; mutation: Seen }> = new Script(CALLS).runInContext(context)
  return call()
}

/** As React Native and old browsers have it: less than Node's own. */
function globalsBut(...without: readonly string[]): Record<string, unknown> {
  const all: Record<string, unknown> = {
    fetch: smallFetch,
    AbortController,
    URL,
    setTimeout: (work: () => void, ms: number) => Number(setTimeout(work, ms)),
    clearTimeout: (id: number) => clearTimeout(id),
    crypto: { getRandomValues: (bytes: Uint8Array) => randomFillSync(bytes) },
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => !without.includes(name)))
}

/** Has what tRPC asks of a response, and the headers only as a function that gets one. */
async function smallFetch(url: string, init: RequestInit) {
  const { method, headers, body } = init
  const response = await fetch(url, { method, headers, body } as RequestInit) // Of another realm, and plain all the same.
  const text = await response.text()
  return {
    ok: response.ok,
    status: response.status,
    headers: { get: (name: string) => response.headers.get(name) },
    json: async () => JSON.parse(text),
  }
}

describe('the bundle for browsers', () => {
  it('holds no module of Node’s', () => {
    expect(code.length).toBeGreaterThan(10_000)
    expect(code).not.toMatch(/["']node:|require\(/)
  })
})

describe('a runtime', () => {
  it('needs no global but these', async () => {
    const before = server.received.length
    expect(await callIn(globalsBut())).toEqual({ query: { success: true }, mutation: { success: true } })
    const keys = server.received.slice(before).map((request) => request.keys)
    expect(keys.slice(0, 2)).toEqual([undefined, undefined])
    expect(keys[2]).toMatch(UUID)
    expect(keys[3]).toBe(keys[2])
  })

  it.each(NEEDED)('without %s is told what to add', async (name) => {
    const before = server.received.length
    const { query, mutation } = await callIn(globalsBut(name))
    const told = { isDeputyError: true, name: 'DeputyError' }
    expect(mutation).toMatchObject({ ...told, message: expect.stringContaining(name) })
    expect(mutation.message).toMatch(/polyfill|createClient/)
    if (name === 'crypto') {
      expect(mutation.message).toContain('react-native-get-random-values')
      expect(query).toEqual({ success: true })
    } else {
      expect(query).toMatchObject({ ...told, message: expect.stringContaining(name) })
      expect(server.received).toHaveLength(before)
    }
  })
})
