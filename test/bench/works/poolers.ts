import { startPgbouncer } from '../../postgres/pgbouncer.ts'
import { ROWS } from '../seed.ts'
import type { Server } from '../servers.ts'
import { type Bench, type Lane, laneKey, type Work, type WorkDefinition } from '../work.ts'
import { inviteRequests } from './requests.ts'
import { INVITED, invitationsToOneEvent } from './writes.ts'

type Servers = Lane['servers']
const MODES = ['session', 'transaction'] as const
const CONNECTIONS = [1, 16] as const
const HOT_CONNECTIONS = 64
/** As many as two servers have connections. */
const POOL_SIZE = 20

export const inviteBehindPooler: WorkDefinition = {
  name: 'poolers',
  title: `inviteAttendee over ${ROWS} events, directly and through PgBouncer`,
  async open(bench) {
    const opened = await Promise.all(MODES.map((mode) => startBehind(bench, mode, 1)))
    const ways: [string, Servers][] = [['direct', [bench.deputy]]]
    for (const [nth, { servers }] of opened.entries()) ways.push([`${MODES[nth]} mode`, servers])
    return compare(ways, CONNECTIONS, opened, () => inviteRequests(bench.tokens, ROWS))
  },
}

export const hotEventBehindPooler: WorkDefinition = {
  name: 'hot-poolers',
  title: 'inviteAttendee on one event by two servers, directly and through PgBouncer in transaction mode',
  async open(bench) {
    const { deputy, tokens } = bench
    const other = await bench.startDeputy(deputy.database)
    const behind = await startBehind(bench, 'transaction', 2)
    const ways: [string, Servers][] = [
      ['direct', [deputy, other]],
      ['transaction mode', behind.servers],
    ]
    return compare(ways, [HOT_CONNECTIONS], [other, behind], () =>
      invitationsToOneEvent(deputy.database, tokens),
    )
  },
}

/** What is told for every way is its rate against that of the first. */
function compare(
  ways: readonly (readonly [string, Servers])[],
  connections: readonly number[],
  opened: readonly AsyncDisposable[],
  requests: Lane['requests'],
): Work {
  const lanes = connections.flatMap((count) =>
    ways.map(
      ([name, servers]): Lane => ({
        name,
        kind: 'deputy',
        connections: count,
        servers,
        perCall: INVITED,
        requests,
      }),
    ),
  )
  const ratios = connections.flatMap((count) => {
    const [to = '', ...others] = ways.map(([name]) => laneKey({ name, connections: count }))
    return others.map((of) => ({ of, to }))
  })
  return {
    lanes,
    ratios,
    close: async () => {
      for (const each of opened) await each[Symbol.asyncDispose]()
    },
  }
}

/** Starts servers behind a PgBouncer of their own. @throws {Error} without its program */
async function startBehind({ deputy, startDeputy }: Bench, mode: (typeof MODES)[number], count: number) {
  const pooler = await startPgbouncer(deputy.database.url, {
    pool_mode: mode,
    default_pool_size: POOL_SIZE,
  })
  const start = () => startDeputy({ ...deputy.database, url: pooler.url })
  const servers: [Server, ...Server[]] = [await start()]
  while (servers.length < count) servers.push(await start())
  return {
    servers,
    async [Symbol.asyncDispose]() {
      for (const server of servers) await server[Symbol.asyncDispose]()
      await pooler[Symbol.asyncDispose]()
    },
  }
}
