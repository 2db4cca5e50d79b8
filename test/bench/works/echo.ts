import type { RequestTemplate } from '../load-job.ts'
import { USERS } from '../seed.ts'
import { PAGE_ORIGIN } from '../servers.ts'
import type { Tokens } from '../tokens.ts'
import { type Bench, type Lane, laneKey, type WorkDefinition } from '../work.ts'
import { againstBaseline, CONNECTIONS } from './against-baseline.ts'
import { actionRequest, trpcRequest } from './requests.ts'

const BATCH = 10
const input = { message: 'All that is measured was called first.' }
const rest = ({ tokens }: Bench) => [echoRequest(tokens)]
const ofPage = ({ tokens }: Bench) => {
  const request = echoRequest(tokens)
  return [{ ...request, headers: { ...request.headers, origin: PAGE_ORIGIN } }]
}
const trpc = ({ tokens }: Bench) => [trpcRequest(tokens, { name: 'echo', input })]

export const echoRest: WorkDefinition = {
  name: 'echo-rest',
  title: 'echo over REST, against a plain route',
  open: (bench) => againstBaseline(bench, { goal: 0.5, requests: () => rest(bench) }),
}

export const echoCors: WorkDefinition = {
  name: 'echo-cors',
  title: 'echo over REST for a page of another origin, against a plain route without CORS',
  open: (bench) => againstBaseline(bench, { goal: 0.5, requests: () => ofPage(bench) }),
}

export const echoTrpc: WorkDefinition = {
  name: 'echo-trpc',
  title: 'echo over tRPC, single calls, against a plain route',
  open: (bench) =>
    againstBaseline(bench, {
      goal: 0.3,
      requests: () => trpc(bench),
      baselineRequests: () => rest(bench),
    }),
}

export const trpcBatch: WorkDefinition = {
  name: 'trpc-batch',
  title: `echo over tRPC in batches of ${BATCH}, against single calls`,
  open(bench) {
    const lane = { kind: 'deputy', servers: [bench.deputy] } as const
    const lanes = CONNECTIONS.flatMap((connections): Lane[] => [
      {
        ...lane,
        name: 'batches',
        connections,
        callsPerRequest: BATCH,
        // One user may not have so many calls waiting as 64 of these.
        requests: () =>
          USERS.map((userId) => trpcRequest(bench.tokens, { name: 'echo', input, batch: BATCH, userId })),
      },
      { ...lane, name: 'singles', connections, requests: () => trpc(bench) },
    ])
    const ratios = CONNECTIONS.map((connections) => ({
      of: laneKey({ name: 'batches', connections }),
      to: laneKey({ name: 'singles', connections }),
      goal: 5,
    }))
    return { lanes, ratios }
  },
}

/** One call of `echo`, the same for both servers. */
export function echoRequest(tokens: Tokens): RequestTemplate {
  return actionRequest(tokens, { name: 'echo', userId: USERS[0] ?? '', input })
}
