import { access, chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { messages, PGlite } from '@electric-sql/pglite'
import { CopiedFiles, type DataFiles } from './data-files.ts'
import {
  type BeginOptions,
  type Database,
  type QueryResult,
  type Session,
  SqlError,
  type Statement,
} from './database.ts'
import { lockDirectory } from './directory-lock.ts'
import { COPY_SIZES, EMBEDDED_SIZES, placeInitialData, readInitialData } from './initial-data.ts'
import { runStatement } from './pglite-protocol.ts'
import { Pool } from './pool.ts'
import { answersWithin } from './postgres.ts'
import { Semaphore } from './semaphore.ts'
import { resetStatement } from './session-state.ts'

export interface PgliteOptions {
  /** The directory of the data, locked while open; undefined keeps it in memory. */
  readonly directory?: string
  /** What to start from, in memory only: a copy for a test, which takes less memory. */
  readonly files?: DataFiles
  /** Where the build has kept an empty one, which is read sooner than one is made. @default beside this code */
  readonly initialData?: string
  /** How long a call waits for the one connection. @default 5000 */
  readonly acquireTimeoutMs?: number
}

export interface PgliteDatabase extends Database {
  readonly engine: PGlite
}

/** Whom it connects as; `session authorization default` means no one there. */
const USER = 'postgres'

/**
 * Opens the embedded PostgreSQL.
 *
 * It has one connection, so calls run one after another, and it cannot interrupt a statement: a deadline
 * acts between statements.
 *
 * @throws {Error} when another process has the directory open.
 */
export async function openPglite(options: PgliteOptions = {}): Promise<PgliteDatabase> {
  const { directory } = options
  if (directory !== undefined) await mkdir(directory, { recursive: true, mode: 0o700 })
  const lock = directory === undefined ? undefined : await lockDirectory(directory)
  const engine = await open(options).catch(async (error: unknown) => {
    await lock?.release()
    throw error
  })
  const session = new PgliteSession(engine)
  const pool = new Pool({
    connect: () => session,
    max: 1,
    acquireTimeoutMs: options.acquireTimeoutMs ?? 5_000,
  })
  return {
    kind: 'pglite',
    location: directory ?? 'memory',
    engine,
    connections: 1,
    acquire: () => pool.acquire(),
    load: pool,
    query: (statement) => pool.query(statement),
    turnWaiters: undefined,
    jobTransactions: new Semaphore(1),
    write: (statement) => pool.write(statement),
    ping: (timeoutMs) => answersWithin(pool.query({ sql: 'select 1', params: [] }), timeoutMs),
    close: async () => {
      await pool.close()
      if (!engine.closed) await engine.close()
      await lock?.release()
    },
  }
}

async function open(options: PgliteOptions): Promise<PGlite> {
  if (options.directory !== undefined) {
    const data = join(options.directory, 'pgdata')
    if (!(await isThere(join(data, 'PG_VERSION')))) await placeInitialData(data, options.initialData)
    // The files that PGlite makes in it are open to everyone; the directory must not be.
    await mkdir(data, { recursive: true, mode: 0o700 })
    await chmod(data, 0o700)
    return PGlite.create({ ...EMBEDDED_SIZES, dataDir: data })
  }
  const sizes = options.files ? COPY_SIZES : EMBEDDED_SIZES
  const files = options.files ?? (await readInitialData(options.initialData))
  return PGlite.create({ ...sizes, ...(files && { fs: new CopiedFiles(files) }) })
}

function isThere(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

class PgliteSession implements Session {
  readonly broken = false
  readonly isWorn = false
  #mayHoldState = false
  readonly #engine: PGlite

  constructor(engine: PGlite) {
    this.#engine = engine
  }

  begin(options: BeginOptions): Promise<QueryResult> {
    return this.control(
      options.readOnly
        ? 'begin isolation level serializable read only'
        : 'begin isolation level serializable read write',
    )
  }

  beginWrite(): Promise<QueryResult> {
    return this.control('begin isolation level read committed read write')
  }

  control(text: string): Promise<QueryResult> {
    return this.query({ sql: text, params: [] })
  }

  async query(statement: Statement): Promise<QueryResult> {
    if (statement.mayLeaveState) this.#mayHoldState = true
    try {
      return await this.#engine.runExclusive(() => runStatement(this.#engine, statement))
    } catch (error) {
      throw translate(error)
    }
  }

  cancel(): void {}

  async start(): Promise<void> {}

  clean(): void {
    if (!this.#mayHoldState) return
    this.#mayHoldState = false
    // What comes next waits for it in the engine's own queue.
    this.#engine
      .exec(`${resetStatement(USER)}; reset all; set default_transaction_read_only = on`)
      .catch(() => {})
  }

  async close(): Promise<void> {}
}

function translate(error: unknown): unknown {
  if (!(error instanceof messages.DatabaseError) || error.code === undefined) return error
  const { code, table, column, constraint, routine, message } = error
  return new SqlError({ sqlstate: code, table, column, constraint, routine, message })
}
