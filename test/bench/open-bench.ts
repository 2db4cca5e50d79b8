import { type BenchDatabase, createDatabase } from './database.ts'
import { type Load, startLoad } from './load.ts'
import { prepareBaselineSchema, prepareDeputySchema } from './schema.ts'
import { ROWS, seed, seedDeputy, settle, USERS } from './seed.ts'
import { startBaseline, startDeputy } from './servers.ts'
import { createTokens, OWNER } from './tokens.ts'
import { startUpstream } from './upstream.ts'
import type { Bench } from './work.ts'

export interface OpenOptions {
  readonly adminUrl: string
  readonly growthRows: readonly [small: number, large: number]
  readonly profileDirectory: string | undefined
}

export interface OpenBench extends Bench, AsyncDisposable {
  readonly load: Load
}

/** Makes all databases and starts all processes; gone when disposed. */
export async function openBench(options: OpenOptions): Promise<OpenBench> {
  const opened: AsyncDisposable[] = []
  const close = async () => {
    for (const each of opened.splice(0).reverse()) await each[Symbol.asyncDispose]()
  }
  const use = <T extends AsyncDisposable>(each: T): T => {
    opened.push(each)
    return each
  }
  try {
    return { ...(await openAll(options, use)), [Symbol.asyncDispose]: close }
  } catch (error) {
    await close()
    throw error
  }
}

async function openAll(
  { adminUrl, growthRows, profileDirectory }: OpenOptions,
  use: <T extends AsyncDisposable>(each: T) => T,
): Promise<Bench & { readonly load: Load }> {
  const upstream = use(await startUpstream())
  const load = use(await startLoad())
  const tokens = await createTokens([...USERS, OWNER])
  const server = { tokens, providerUrl: upstream.url }

  const deputyDatabase = use(await createDatabase(adminUrl, 'deputy'))
  await prepareDeputySchema(deputyDatabase.sql)
  const deputy = use(await startDeputy({ ...server, profileDirectory, database: deputyDatabase }))
  await fill(deputyDatabase, ROWS)

  const baselineDatabase = use(await createDatabase(adminUrl, 'baseline'))
  await prepareBaselineSchema(baselineDatabase.sql)
  const baseline = use(await startBaseline({ ...server, profileDirectory, database: baselineDatabase }))
  await seed(baselineDatabase.sql, ROWS)
  await settle(baselineDatabase.sql)

  return {
    deputy,
    baseline,
    tokens,
    upstream,
    load,
    growthRows,
    startDeputy: (database, env) => startDeputy({ ...server, database, env }),
    async seededDatabase(purpose, rows) {
      const database = await createDatabase(adminUrl, purpose)
      await prepareDeputySchema(database.sql)
      // Deputy makes its own tables when it starts.
      await (await startDeputy({ ...server, database }))[Symbol.asyncDispose]()
      await fill(database, rows)
      return database
    },
  }
}

async function fill({ sql }: BenchDatabase, rows: number): Promise<void> {
  await seed(sql, rows)
  await seedDeputy(sql, rows)
  await settle(sql)
}
