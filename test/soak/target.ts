import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import postgres from 'postgres'
import { loadDevelopmentKey } from '../../server/auth/development-key.ts'
import { startServer } from '../lifecycle/process.ts'
import { temporaryDirectory } from '../support/guarded.ts'
import { ON_SOURCES } from '../support/on-sources.ts'

export type DatabaseKind = 'postgres' | 'pglite'

export interface TargetOptions {
  readonly kind: DatabaseKind
  /** A PostgreSQL server; needed for `postgres`. */
  readonly databaseUrl: string | undefined
  readonly heapMegabytes: number
}

/** The app's own server as a process of its own, with a small heap and a database of its own. */
export interface Target extends AsyncDisposable {
  readonly url: string
  readonly token: string
  /** What it has logged and printed to its standard error. */
  stderr(): string
  /** Whether the process that was started first still runs. */
  isAlive(): boolean
  /** Its resident memory now and at its highest, in bytes; undefined where the system does not say. */
  memory(): Promise<{ readonly now: number; readonly peak: number } | undefined>
}

export async function startTarget({ kind, databaseUrl, heapMegabytes }: TargetOptions): Promise<Target> {
  const directory = await temporaryDirectory('soak')
  const database = kind === 'postgres' ? await createDatabase(databaseUrl ?? '') : undefined
  const disposeAll = async (server?: AsyncDisposable) => {
    await server?.[Symbol.asyncDispose]()
    await database?.[Symbol.asyncDispose]()
    await directory[Symbol.asyncDispose]()
  }
  try {
    const server = await startServer(
      {
        DATA_DIR: directory.path,
        NODE_OPTIONS: `--max-old-space-size=${heapMegabytes}`,
        LOG_LEVEL: 'error',
        // What is looked for is what no limit keeps away.
        RATE_LIMIT_USER: 'none',
        RATE_LIMIT_ANONYMOUS: 'none',
        RATE_LIMIT_FAILING: 'none',
        RATE_LIMIT_INTEGRATIONS: 'none',
        ...(database ? { DATABASE_URL: database.url } : {}),
      },
      [...ON_SOURCES, 'test/fixture/main.ts'],
    )
    const key = await loadDevelopmentKey(directory.path)
    const { child, output, url } = server
    return {
      url,
      token: await key.mint('canary', { expiresInSeconds: 86_400, claims: {} }),
      stderr: () => output.stderr,
      isAlive: () => child.exitCode === null && child.signalCode === null,
      memory: () => memoryOf(child.pid),
      [Symbol.asyncDispose]: () => disposeAll(server),
    }
  } catch (error) {
    await disposeAll()
    throw error
  }
}

async function memoryOf(pid: number | undefined) {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const bytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1]) * 1_024
  const [now, peak] = [bytes('VmRSS'), bytes('VmHWM')]
  return Number.isNaN(now) || Number.isNaN(peak) ? undefined : { now, peak }
}

async function createDatabase(serverUrl: string): Promise<AsyncDisposable & { readonly url: string }> {
  const name = `deputy_soak_${randomUUID().replaceAll('-', '').slice(0, 12)}`
  await asAdmin(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    [Symbol.asyncDispose]: () => asAdmin(serverUrl, `drop database if exists ${name} with (force)`),
  }
}

async function asAdmin(url: string, statement: string): Promise<void> {
  const admin = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await admin.unsafe(statement)
  } finally {
    await admin.end()
  }
}
