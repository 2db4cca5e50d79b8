import { ROWS } from '../seed.ts'
import { type Lane, laneKey, type WorkDefinition } from '../work.ts'
import { inviteRequests } from './requests.ts'
import { INVITED } from './writes.ts'

const CONNECTIONS = 64

export const severalServers: WorkDefinition = {
  name: 'servers',
  title: 'inviteAttendee on one, two and four servers of one database',
  async open(bench) {
    const { deputy, tokens } = bench
    const more = await Promise.all([1, 2, 3].map(() => bench.startDeputy(deputy.database)))
    const lanes = [1, 2, 4].map(
      (count): Lane => ({
        name: serversName(count),
        kind: 'deputy',
        connections: CONNECTIONS,
        servers: [deputy, ...more.slice(0, count - 1)],
        perCall: INVITED,
        requests: () => inviteRequests(tokens, ROWS),
      }),
    )
    const key = (count: number) => laneKey({ name: serversName(count), connections: CONNECTIONS })
    return {
      lanes,
      ratios: [2, 4].map((count) => ({ of: key(count), to: key(1) })),
      close: async () => {
        await Promise.all(more.map((server) => server[Symbol.asyncDispose]()))
      },
    }
  },
}

function serversName(count: number): string {
  return count === 1 ? '1 server' : `${count} servers`
}
