import type { BenchDatabase } from '../database.ts'
import { USERS } from '../seed.ts'
import { type Bench, type Lane, laneKey, type WorkDefinition } from '../work.ts'
import { actionRequest, createEventRequests } from './requests.ts'
import { CREATED } from './writes.ts'

const CONNECTIONS = 16
const DUE = 10_000

export const laterJob: WorkDefinition = {
  name: 'later',
  title: 'an event with a job that is queued with it, against an event alone',
  open({ deputy, tokens }) {
    const lane = (name: string, action: string): Lane => ({
      name,
      kind: 'deputy',
      connections: CONNECTIONS,
      servers: [deputy],
      perCall: CREATED,
      requests: () =>
        USERS.map((userId) => {
          const input = { title: 'Event {id}', startsAt: '2030-01-01T18:00:00.000Z', capacity: 20 }
          return actionRequest(tokens, { name: action, userId, input })
        }),
    })
    const key = (name: string) => laneKey({ name, connections: CONNECTIONS })
    return {
      lanes: [lane('with later', 'createWithJob'), lane('alone', 'createAlone')],
      ratios: [{ of: key('with later'), to: key('alone'), goal: 0.85 }],
    }
  },
}

export const besideJobs: WorkDefinition = {
  name: 'beside-jobs',
  title: `createEvent while ${DUE} jobs drain that became due at once (p99 at most twice that of the other)`,
  open(bench) {
    const lane: Omit<Lane, 'name'> = {
      kind: 'deputy',
      connections: CONNECTIONS,
      servers: [bench.deputy],
      perCall: CREATED,
      requests: () => createEventRequests(bench.tokens, false),
    }
    const beside = { name: 'beside', connections: CONNECTIONS }
    const alone = { name: 'alone', connections: CONNECTIONS }
    return {
      lanes: [
        { ...lane, ...beside, during: () => drain(bench) },
        { ...lane, ...alone },
      ],
      ratios: [{ of: laneKey(beside), to: laneKey(alone) }],
    }
  },
}

/** Jobs that are due, until disposed: those that are left then are taken away. */
async function drain({ deputy: { database } }: Bench): Promise<AsyncDisposable> {
  await queueEmptyJobs(database, DUE)
  return {
    async [Symbol.asyncDispose]() {
      await database.sql`delete from deputy.queue where lane = 'job:empty'`
    },
  }
}

/** Queues jobs that do nothing and are due. */
export async function queueEmptyJobs({ sql }: Pick<BenchDatabase, 'sql'>, count: number): Promise<void> {
  await sql`
    insert into deputy.queue (id, kind, lane, data, run_as, source, action, invocation, max_attempts)
    select 'bench-' || gen_random_uuid(), 'job', 'job:empty', '{"json":{}}', 'nobody', 'later', 'bench', 'bench', 5
    from generate_series(1, ${count})`
}
