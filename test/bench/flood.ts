import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabase } from './database.ts'
import type { Figure, FigureOptions } from './figures.ts'
import { startLoad } from './load.ts'
import { percentile } from './median.ts'
import { prepareDeputySchema } from './schema.ts'
import { USERS } from './seed.ts'
import { type Server, startDeputy } from './servers.ts'
import type { Tokens } from './tokens.ts'
import { actionRequest } from './works/requests.ts'

const FLOODING_CONNECTIONS = 64
const EVENT = { startsAt: '2030-01-01T18:00:00.000Z', capacity: 20 }
/** Between two calls of those who are flooded, who send few enough for any limit. */
const PAUSE_MS = 20

/** What others wait for while one member sends as much as the server takes: with the limits of every app, and without. */
export async function measureFlood(options: FigureOptions): Promise<readonly Figure[]> {
  return [await measure(options, true), await measure(options, false)]
}

async function measure(
  { adminUrl, tokens, overloadSeconds }: FigureOptions,
  isLimited: boolean,
): Promise<Figure> {
  await using database = await createDatabase(adminUrl, 'flood')
  await prepareDeputySchema(database.sql)
  await using server = await startDeputy({ database, tokens, providerUrl: 'http://127.0.0.1:9', isLimited })
  await using load = await startLoad()
  const [mallory = '', ...others] = USERS
  const seconds = overloadSeconds / 3
  const flood = () =>
    load.run({
      urls: [server.url],
      connections: FLOODING_CONNECTIONS,
      requests: 0,
      seconds: seconds + 1,
      templates: [
        actionRequest(tokens, { name: 'createEvent', userId: mallory, input: { ...EVENT, title: '{id}' } }),
      ],
      name: randomUUID(),
    })
  // Compiles what is measured.
  await Promise.all([flood(), p99Of(server, tokens, others, seconds)])
  const alone = await p99Of(server, tokens, others, seconds)
  const flooding = flood()
  await sleep(500)
  const beside = await p99Of(server, tokens, others, seconds)
  await flooding
  return {
    name: isLimited ? 'flood' : 'flood-unlimited',
    title: `p99 of createEvent beside a member who floods, ${isLimited ? 'with the default limits' : 'without rate limits'} (${beside.toFixed(1)} ms) to alone (${alone.toFixed(1)} ms)`,
    value: beside / alone,
    unit: 'times',
    ...(isLimited ? { atMost: 2 } : {}),
  }
}

/** Sends calls of these users in turn, and gives the 99th percentile of what each took, in milliseconds. */
async function p99Of(
  server: Server,
  tokens: Tokens,
  users: readonly string[],
  seconds: number,
): Promise<number> {
  const calls: Promise<number>[] = []
  const endsAt = performance.now() + seconds * 1_000
  for (let nth = 0; performance.now() < endsAt; nth += 1) {
    calls.push(call(server, tokens, users[nth % users.length] ?? ''))
    await sleep(PAUSE_MS)
  }
  return percentile(await Promise.all(calls), 0.99)
}

async function call(server: Server, tokens: Tokens, userId: string): Promise<number> {
  const input = { ...EVENT, title: 'Beside a flood' }
  const { method, path, headers, body = '' } = actionRequest(tokens, { name: 'createEvent', userId, input })
  const startedAt = performance.now()
  const answer = await fetch(`${server.url}${path}`, { method, headers, body })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`A call beside the flood failed: ${answer.status} ${text}`)
  return performance.now() - startedAt
}
