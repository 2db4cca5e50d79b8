import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { temporaryDirectory } from '../support/guarded.ts'
import { COMPILERS, compile, type Version } from '../types/compile.ts'
import { generateApp } from '../types/generated-app.ts'
import { measureAgentList } from './agent-list.ts'
import { createDatabase } from './database.ts'
import { editorAnswersMs } from './editor.ts'
import { measureFlood } from './flood.ts'
import { measureLive } from './live.ts'
import { median } from './median.ts'
import { measureOverload } from './overload.ts'
import { productionSizeMb } from './package-size.ts'
import { prepareDeputySchema } from './schema.ts'
import { startDeputy } from './servers.ts'
import { startSeconds } from './start-time.ts'
import type { Tokens } from './tokens.ts'
import { memoryMb } from './usage.ts'
import { queueEmptyJobs } from './works/jobs.ts'

/** What is measured once, apart from any load. */
export interface Figure {
  readonly name: string
  readonly title: string
  readonly value: number
  readonly unit: 's' | 'ms' | 'kB' | 'MB' | 'instantiations' | 'a second' | 'of the peak' | 'times'
  /** @default it is reported, without a goal */
  readonly atMost?: number
  /** @default it is reported, without a goal */
  readonly atLeast?: number
}

export interface FigureOptions {
  readonly adminUrl: string
  readonly tokens: Tokens
  /** The process id of the server that was under load. */
  readonly deputyPid: number
  /** How often a start is measured. */
  readonly times: number
  /** How long a server is overloaded. */
  readonly overloadSeconds: number
}

const MOST_ACTIONS = 500
const EDITED_ACTIONS = 300
/** The compiler in the language server is fast after a few. */
const EDITS = 9

/** Name → how it is measured; in this order. */
export const FIGURES: ReadonlyMap<string, (options: FigureOptions) => Promise<Figure | readonly Figure[]>> =
  new Map<string, (options: FigureOptions) => Promise<Figure | readonly Figure[]>>([
    ['overload', measureOverload],
    ['flood', measureFlood],
    ['live', measureLive],
    ['memory', measureMemory],
    ['start-postgres', measurePostgresStart],
    ['start-pglite', measurePgliteStart],
    ['size', measureSize],
    ['jobs', measureJobs],
    ['types', measureTypes],
    ['editor', measureEditor],
    ['mcp-list', measureAgentList],
  ])

const EMPTY_JOBS = 5_000

/** What one server drains by itself. */
async function measureJobs({ adminUrl, tokens }: FigureOptions): Promise<Figure> {
  await using database = await createDatabase(adminUrl, 'jobs')
  await prepareDeputySchema(database.sql)
  await using _server = await startDeputy({ database, tokens, providerUrl: 'http://127.0.0.1:9' })
  await queueEmptyJobs(database, EMPTY_JOBS)
  const startedAt = performance.now()
  for (let left = EMPTY_JOBS; left > 0; ) {
    await sleep(50)
    const [row] = await database.sql`select count(*)::int as left from deputy.queue where state = 'queued'`
    left = Number(row?.left)
  }
  const seconds = (performance.now() - startedAt) / 1_000
  return {
    name: 'jobs',
    title: 'Empty jobs that one server runs',
    value: EMPTY_JOBS / seconds,
    unit: 'a second',
    atLeast: 500,
  }
}

/** The compiler that counts the most for an action is told of. */
async function measureTypes(): Promise<Figure> {
  const costs = []
  for (const version of Object.keys(COMPILERS) as Version[]) {
    const [none, all] = [await instantiations(version, 0), await instantiations(version, MOST_ACTIONS)]
    costs.push((all - none) / MOST_ACTIONS)
  }
  return {
    name: 'types',
    title: `What an action costs TypeScript, of ${MOST_ACTIONS}, beside 40 collections`,
    value: Math.max(...costs),
    unit: 'instantiations',
    atMost: 6_000,
  }
}

/** What somebody waits for who calls an action, types one more character, and looks for what is underlined. */
async function measureEditor(): Promise<Figure> {
  await using directory = await temporaryDirectory('app')
  await generateApp(directory.path, EDITED_ACTIONS)
  const file = join(directory.path, 'user.ts')
  const value = median(await editorAnswersMs({ directory: directory.path, file, times: EDITS }))
  return {
    name: 'editor',
    title: `After an edit where an action is called, of ${EDITED_ACTIONS}, until the editor knows what is wrong`,
    value,
    unit: 'ms',
    atMost: 1_500,
  }
}

async function instantiations(version: Version, actions: number): Promise<number> {
  await using directory = await temporaryDirectory('app')
  await generateApp(directory.path, actions)
  const compiled = await compile(version, directory.path)
  if (compiled.errors.length > 0) throw new Error(compiled.errors.join('\n'))
  return compiled.instantiations
}

async function measureMemory({ deputyPid }: FigureOptions): Promise<Figure> {
  const { peak } = await memoryMb(deputyPid)
  return { name: 'memory', title: 'The most memory that Deputy held', value: peak, unit: 'MB', atMost: 220 }
}

async function measurePostgresStart({ adminUrl, tokens, times }: FigureOptions): Promise<Figure> {
  await using database = await createDatabase(adminUrl, 'start')
  // The first one migrates.
  await startSeconds({ tokens, databaseUrl: database.url })
  const value = await repeated(times, () => startSeconds({ tokens, databaseUrl: database.url }))
  return { name: 'start-postgres', title: 'Start on PostgreSQL', value, unit: 's', atMost: 1.5 }
}

async function measurePgliteStart({ tokens, times }: FigureOptions): Promise<Figure> {
  const value = await repeated(times, () => startSeconds({ tokens }))
  return { name: 'start-pglite', title: 'First start on PGlite', value, unit: 's', atMost: 4 }
}

async function measureSize(): Promise<Figure> {
  return { name: 'size', title: 'npm ci --omit=dev', value: await productionSizeMb(), unit: 'MB' }
}

async function repeated(times: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = []
  for (let time = 0; time < times; time += 1) values.push(await measure())
  return median(values)
}
