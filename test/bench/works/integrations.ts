import { Agent, fetch } from 'undici'
import { eventId, ownerOf, USERS } from '../seed.ts'
import { type Bench, type Lane, laneKey, type WorkDefinition } from '../work.ts'
import { againstBaseline } from './against-baseline.ts'
import { actionRequest, createEventRequests } from './requests.ts'
import { CREATED } from './writes.ts'

const WAITING_CALLS = 200
const CONNECTIONS = 16

export const integrationCall: WorkDefinition = {
  name: 'integration',
  title: 'a ledgered integration call to a local upstream, against plain undici',
  open: (bench) =>
    againstBaseline(bench, {
      goal: 0.4,
      requests: () =>
        USERS.map((userId) =>
          actionRequest(bench.tokens, { name: 'askProvider', userId, input: { message: 'What now?' } }),
        ),
      perCall: { provider: 1 },
      perDeputyCall: { audit: 1, charges: 1 },
    }),
}

export const slowProvider: WorkDefinition = {
  name: 'slow-provider',
  title: `createEvent beside ${WAITING_CALLS} calls that wait on a slow provider, with a pool of 10`,
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
        { ...lane, ...beside, during: () => keepWaiting(bench) },
        { ...lane, ...alone },
      ],
      ratios: [{ of: laneKey(beside), to: laneKey(alone), goal: 0.8 }],
    }
  },
}

/** Calls that wait on the provider until disposed. @throws {Error} when one of them then fails. */
async function keepWaiting({ deputy, tokens, upstream }: Bench): Promise<AsyncDisposable> {
  const dispatcher = new Agent()
  const calls = Promise.all(
    Array.from({ length: WAITING_CALLS }, async (_, n) => {
      const request = { name: 'askSlowProvider', userId: ownerOf(n), input: { eventId: eventId(n) } }
      const { method, path, headers, body = '' } = actionRequest(tokens, request)
      const answer = await fetch(`${deputy.url}${path}`, { method, headers, body, dispatcher })
      return `${answer.status} ${await answer.text()}`
    }),
  )
  const early = calls.then((answers) => Promise.reject(new Error(`They did not wait: ${answers[0]}`)))
  await Promise.race([upstream.waitingCalls(WAITING_CALLS), early])
  early.catch(() => undefined)
  return {
    async [Symbol.asyncDispose]() {
      await upstream.release()
      const failed = (await calls).filter((answer) => !answer.startsWith('200 '))
      await dispatcher.close()
      if (failed.length > 0) throw new Error(`${failed.length} waiting calls failed, such as: ${failed[0]}`)
    },
  }
}
