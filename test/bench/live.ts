import { randomUUID } from 'node:crypto'
import { type IncomingMessage, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchDatabase, createDatabase } from './database.ts'
import type { Figure, FigureOptions } from './figures.ts'
import { type Load, startLoad } from './load.ts'
import { percentile } from './median.ts'
import { prepareDeputySchema } from './schema.ts'
import { USERS } from './seed.ts'
import { type Server, startDeputy } from './servers.ts'
import { createTokens, type Tokens } from './tokens.ts'
import { memoryMb } from './usage.ts'
import { actionRequest, createEventRequests } from './works/requests.ts'

const QUERIES = 50
const STREAMS_PER_QUERY = 20
const STREAMS = QUERIES * STREAMS_PER_QUERY
/** Between two writes: 20 a second. */
const WRITE_EVERY_MS = 50
const PAGE = 20
const CONNECTIONS = 64
const LIMITS = { LIVE_STREAMS: String(2 * STREAMS), LIVE_STREAMS_PER_USER: String(2 * STREAMS_PER_QUERY) }
/** More than any event takes to come. */
const PATIENCE_MS = 10_000

/** Who has a live query, of the newest of their own events, and writes. The load is sent by others. */
const READERS = Array.from({ length: QUERIES }, (_, n) => `reader-${n}`)

/** What live queries cost: how long a change takes to be seen, calls beside them, memory. */
export async function measureLive({ adminUrl, overloadSeconds }: FigureOptions): Promise<readonly Figure[]> {
  await using database = await createDatabase(adminUrl, 'live')
  await prepareDeputySchema(database.sql)
  const tokens = await createTokens([...READERS, ...USERS])
  await using server = await startDeputy({ database, tokens, providerUrl: 'http://127.0.0.1:9', env: LIMITS })
  await using load = await startLoad()
  await fillPages(database)
  const seconds = overloadSeconds / 3
  const { delays, heldKb } = await measureAlone(server, tokens, seconds)
  await createRate(load, server, tokens, seconds)
  const alone = await createRate(load, server, tokens, seconds)
  using streams = await openStreams(server, tokens)
  const writing = streams.delays(seconds + 2)
  await sleep(1_000)
  const beside = await createRate(load, server, tokens, seconds)
  const busy = await writing
  const ms = (part: number, of: readonly number[]) => Math.round(percentile(of, part))
  return [
    {
      name: 'live',
      title: `p99 from a write's sending until its event, ${STREAMS} streams of ${QUERIES} queries, 20 writes a second (p50 ${ms(0.5, delays)} ms; with createEvent beside them p50 ${ms(0.5, busy)}, p99 ${ms(0.99, busy)} ms)`,
      value: percentile(delays, 0.99),
      unit: 'ms',
      atMost: 250,
    },
    {
      name: 'live-beside',
      title: `createEvent beside them (${Math.round(beside)} a second) to alone (${Math.round(alone)})`,
      value: beside / alone,
      unit: 'times',
      atLeast: 0.8,
    },
    {
      name: 'live-memory',
      title: `Memory of an idle stream, of ${STREAMS} more`,
      value: heldKb,
      unit: 'kB',
      atMost: 20,
    },
  ]
}

/** What nothing but streams and their writes does, on a server that has done nothing else. */
async function measureAlone(server: Server, tokens: Tokens, seconds: number) {
  // Compiles what is measured, and makes room for what is not held for long.
  using streams = await openStreams(server, tokens)
  await streams.delays(1)
  const delays = await streams.delays(seconds)
  const { now: before } = await memoryMb(server.pid)
  using more = await openStreams(server, tokens)
  await sleep(2_000)
  const { now: held } = await memoryMb(server.pid)
  return { delays, heldKb: ((held - before) * 1_024) / more.count }
}

async function fillPages({ sql }: BenchDatabase): Promise<void> {
  await sql`
    insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity)
    select 'before-' || user_id || '-' || n, user_id, now(), now(), 'Before ' || n, now(), 20
    from unnest(${READERS}::text[]) as user_id, generate_series(1, ${PAGE}) as n`
}

async function createRate(load: Load, { url }: Server, tokens: Tokens, seconds: number): Promise<number> {
  const templates = createEventRequests(tokens, false)
  const result = await load.run({
    ...{ urls: [url], connections: CONNECTIONS, requests: 0, seconds },
    ...{ templates, name: randomUUID() },
  })
  return result.requestsPerSecond
}

interface OpenStreams extends Disposable {
  readonly count: number
  /** Writes for so many seconds, and gives how long each stream of the writer took to show it, in milliseconds. */
  delays(seconds: number): Promise<readonly number[]>
}

async function openStreams(server: Server, tokens: Tokens): Promise<OpenStreams> {
  const seen = new SeenEvents()
  const opened: IncomingMessage[] = []
  for (const userId of READERS)
    opened.push(
      ...(await Promise.all(
        Array.from({ length: STREAMS_PER_QUERY }, () => open(server, tokens, userId, seen)),
      )),
    )
  /** Earlier streams' events are on the pages as well. */
  const name = randomUUID().slice(0, 8)
  const markOf = (nth: number) => `live-${name}-${nth}-`
  let writes = 0
  return {
    count: opened.length,
    async delays(seconds) {
      const first = writes
      const sent: Promise<void>[] = []
      const endsAt = performance.now() + seconds * 1_000
      while (performance.now() < endsAt) {
        const mark = markOf(writes)
        seen.expect(mark)
        sent.push(write(server, tokens, READERS[writes % READERS.length] ?? '', mark))
        writes += 1
        await sleep(WRITE_EVERY_MS)
      }
      await Promise.all(sent)
      const marks = Array.from({ length: writes - first }, (_, n) => markOf(first + n))
      return seen.delaysOf(marks)
    },
    [Symbol.dispose]() {
      for (const response of opened) response.destroy()
    },
  }
}

/** When what was written was shown. */
class SeenEvents {
  readonly #sentAt = new Map<string, number>()
  readonly #seen = new Map<string, number[]>()

  expect(mark: string): void {
    this.#sentAt.set(mark, performance.now())
    this.#seen.set(mark, [])
  }

  note(mark: string): void {
    const sentAt = this.#sentAt.get(mark)
    if (sentAt !== undefined) this.#seen.get(mark)?.push(performance.now() - sentAt)
  }

  /** @throws {Error} when not every stream has shown each of them in time */
  async delaysOf(marks: readonly string[]): Promise<readonly number[]> {
    const isMissing = () => marks.some((mark) => (this.#seen.get(mark)?.length ?? 0) < STREAMS_PER_QUERY)
    for (let waitedMs = 0; isMissing(); waitedMs += 50) {
      if (waitedMs > PATIENCE_MS) throw new Error('Not every stream has shown what was written')
      await sleep(50)
    }
    return marks.flatMap((mark) => this.#seen.get(mark) ?? [])
  }
}

async function open(
  server: Server,
  tokens: Tokens,
  userId: string,
  seen: SeenEvents,
): Promise<IncomingMessage> {
  const where = encodeURIComponent(JSON.stringify({ createdBy: userId }))
  const path = `/api/records/events?where=${where}&orderBy=createdAt&orderDir=desc&limit=${PAGE}`
  const headers = { accept: 'text/event-stream', authorization: `Bearer ${tokens.of(userId)}` }
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request(`${server.url}${path}`, { headers, agent: false }, resolve).on('error', reject).end()
  })
  if (response.statusCode !== 200) throw new Error(`A stream was refused with ${response.statusCode}`)
  const shown = new Set<string>()
  let rest = ''
  response.setEncoding('latin1').on('data', (text: string) => {
    rest += text
    // A page that is not whole yet shows nothing.
    const end = rest.lastIndexOf('\n\n')
    if (end < 0) return
    for (const [mark] of rest.slice(0, end).matchAll(/live-\w{8}-\d+-/g)) {
      if (shown.has(mark)) continue
      shown.add(mark)
      seen.note(mark)
    }
    rest = rest.slice(end + 2)
  })
  response.on('error', () => {})
  return response
}

async function write(server: Server, tokens: Tokens, userId: string, title: string): Promise<void> {
  const input = { title, startsAt: '2030-01-01T18:00:00.000Z', capacity: 20 }
  const { method, path, headers, body = '' } = actionRequest(tokens, { name: 'createEvent', userId, input })
  const answer = await fetch(`${server.url}${path}`, { method, headers, body })
  const text = await answer.text()
  if (answer.status !== 200) throw new Error(`A write beside streams failed: ${answer.status} ${text}`)
}
