import type { BenchDatabase } from '../database.ts'
import type { Effects } from '../effects.ts'
import type { RequestTemplate } from '../load-job.ts'
import { listedEvents } from '../seed.ts'
import type { Server } from '../servers.ts'
import { type Bench, type Lane, laneKey, type WorkDefinition } from '../work.ts'
import { inviteRequests, listRequests, notesRequests } from './requests.ts'
import { INVITED } from './writes.ts'

const CONNECTIONS = 16

interface Call {
  readonly name: string
  readonly perCall?: Partial<Effects>
  requests(bench: Bench, rows: number): readonly RequestTemplate[]
}

const CALLS: readonly Call[] = [
  { name: 'invite', perCall: INVITED, requests: ({ tokens }, rows) => inviteRequests(tokens, rows) },
  { name: 'records', requests: ({ tokens }) => notesRequests(tokens) },
  { name: 'list', requests: ({ tokens }, rows) => listRequests(tokens, listedEvents(rows)) },
]

export const growth: WorkDefinition = {
  name: 'growth',
  title: 'inviteAttendee, records.list and listAttendees on a small and on a large database',
  async open(bench) {
    const sizes: { rows: number; database: BenchDatabase; server: Server }[] = []
    for (const rows of bench.growthRows) {
      const database = await bench.seededDatabase(`rows_${rows}`, rows)
      sizes.push({ rows, database, server: await bench.startDeputy(database) })
    }
    const lanes = CALLS.flatMap(({ name, perCall = {}, requests }) =>
      sizes.map(
        ({ rows, server }): Lane => ({
          name: `${name} of ${rows}`,
          kind: 'deputy',
          connections: CONNECTIONS,
          servers: [server],
          perCall,
          requests: () => requests(bench, rows),
        }),
      ),
    )
    const [small, large] = bench.growthRows
    const ratios = CALLS.map(({ name }) => ({
      of: laneKey({ name: `${name} of ${large}`, connections: CONNECTIONS }),
      to: laneKey({ name: `${name} of ${small}`, connections: CONNECTIONS }),
      goal: 0.9,
    }))
    const close = async () => {
      for (const { server, database } of sizes) {
        await server[Symbol.asyncDispose]()
        await database[Symbol.asyncDispose]()
      }
    }
    return { lanes, ratios, close }
  },
}
