import { USERS } from '../seed.ts'
import { type Bench, type Lane, laneKey, type WorkDefinition } from '../work.ts'
import { CONNECTIONS } from './against-baseline.ts'
import { actionRequest } from './requests.ts'

const input = { message: 'All that is measured was called first.' }

/** By one user, whose bucket the database is told of again and again. */
const calling =
  (name: string) =>
  ({ tokens }: Bench) => [actionRequest(tokens, { name, userId: USERS[0] ?? '', input })]

const LANES = [
  { name: 'none', requests: calling('echo') },
  { name: 'generous', requests: calling('echoGenerous'), goal: 0.9 },
  // Of more at once the bucket would refuse some.
  { name: 'exact', requests: calling('echoExact'), mostConnections: 16 },
] as const

const lanesOf = (connections: number) =>
  LANES.filter((lane) => !('mostConnections' in lane) || connections <= lane.mostConnections)

export const limits: WorkDefinition = {
  name: 'limits',
  title: 'echo over REST with a generous and with an exact limit, against none',
  open(bench) {
    const lanes = CONNECTIONS.flatMap((connections) =>
      lanesOf(connections).map(
        ({ name, requests }): Lane => ({
          name,
          kind: 'deputy',
          connections,
          servers: [bench.deputy],
          requests: () => requests(bench),
        }),
      ),
    )
    const ratios = CONNECTIONS.flatMap((connections) =>
      lanesOf(connections)
        .slice(1)
        .map((lane) => ({
          of: laneKey({ name: lane.name, connections }),
          to: laneKey({ name: 'none', connections }),
          ...('goal' in lane ? { goal: lane.goal } : {}),
        })),
    )
    return { lanes, ratios }
  },
}
