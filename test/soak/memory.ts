import { setTimeout as sleep } from 'node:timers/promises'
import { ATTACK_NAMES, type AttackName, attack } from './attacks.ts'
import { Canary } from './canary.ts'
import { Random } from './random.ts'
import type { Scenario, ScenarioOptions, ScenarioReport } from './scenario.ts'
import { type DatabaseKind, startTarget, type Target } from './target.ts'

const HEAP_MEGABYTES = 256
/** The embedded database keeps its memory outside of the heap, and its first start takes the most. */
const MAX_RESIDENT_MEGABYTES: Readonly<Record<DatabaseKind, number>> = { postgres: 900, pglite: 1_800 }
const ATTACKERS = 24
/** Together a page of them is far more than the heap may take several times. */
const LARGE_RECORDS = 300
const SEEDERS = 4
/** The longest text that a field takes, in characters of three bytes. */
const LONGEST_TEXT = '語'.repeat(10_000)
const SAMPLE_MS = 100
const RECOVERY_MS = 30_000
const CALLS_AFTERWARDS = 5
const MEGABYTE = 1024 * 1024

/** Attacks a server that has little memory, on every database there is; it must go on answering whoever behaves. */
export const memory: Scenario = async (options) => {
  const kinds: readonly DatabaseKind[] =
    options.databaseUrl === undefined ? ['pglite'] : ['postgres', 'pglite']
  const reports: ScenarioReport[] = []
  for (const kind of kinds) {
    reports.push(await attackOn(kind, { ...options, seconds: options.seconds / kinds.length }))
  }
  return {
    lines: reports.flatMap(({ lines }) => lines),
    problems: reports.flatMap(({ problems }) => problems),
  }
}

/** Attacks a server on one kind of database. */
async function attackOn(kind: DatabaseKind, options: ScenarioOptions): Promise<ScenarioReport> {
  const { databaseUrl, seconds, seed } = options
  await using target = await startTarget({ kind, databaseUrl, heapMegabytes: HEAP_MEGABYTES })
  await createLargeRecords(target)
  const before = await target.memory()
  const canary = new Canary(target)
  const over = AbortSignal.timeout(seconds * 1_000)
  const counts = new Map<AttackName, number>()
  const attackers = Array.from({ length: ATTACKERS }, async (_, position) => {
    const random = new Random(seed + position)
    while (!over.aborted && target.isAlive()) {
      const name = random.pick(ATTACK_NAMES)
      counts.set(name, (counts.get(name) ?? 0) + 1)
      await attack(name, target, random)
    }
  })
  const memoryOver = new AbortController()
  const peak = peakMemory(target, memoryOver.signal)
  await Promise.all([...attackers, canary.run(over)])
  const during = canary.report
  const recoveredMs = await recover(target, canary)
  const after = await target.memory()
  memoryOver.abort()
  const highest = await peak
  const problems = during.problems.map((problem) => `${kind}: during the attack, ${problem}`)
  if (during.answered === 0) problems.push(`${kind}: no call was answered during the attack`)
  if (!target.isAlive()) problems.push(`${kind}: the server died\n${target.stderr().slice(0, 1_000)}`)
  else if (recoveredMs === undefined)
    problems.push(
      `${kind}: ${RECOVERY_MS / 1_000} s after the attack it did not answer ${CALLS_AFTERWARDS} calls`,
    )
  const most = MAX_RESIDENT_MEGABYTES[kind]
  if (highest !== undefined && highest > most * MEGABYTE)
    problems.push(`${kind}: resident memory reached ${megabytes(highest)}; at most ${most} MB are expected`)
  return {
    lines: [
      `${kind}: ${during.answered} calls answered, ${during.refused} refused with 503, the slowest ${during.slowestMs} ms`,
      `${kind}: resident ${megabytes(before?.now)} before, ${megabytes(highest)} at the highest, ${megabytes(after?.now)} after`,
      `${kind}: answered as usual ${recoveredMs ?? 'never'} ms after the attack`,
      ...[...counts].map(([name, count]) => `${kind}: ${count} × ${name}`),
    ],
    problems,
  }
}

/** The most memory that the server was seen with, also when it dies of it. */
async function peakMemory(target: Target, until: AbortSignal): Promise<number | undefined> {
  let peak: number | undefined
  while (!until.aborted && target.isAlive()) {
    peak = (await target.memory())?.peak ?? peak
    await sleep(SAMPLE_MS, undefined, { signal: until }).catch(() => undefined)
  }
  return peak
}

/** How long it takes until calls are answered one after another; undefined when they are not in time. */
async function recover(target: Target, canary: Canary): Promise<number | undefined> {
  const beganAt = performance.now()
  let answered = 0
  while (target.isAlive() && performance.now() - beganAt < RECOVERY_MS) {
    answered = (await canary.callOnce()) ? answered + 1 : 0
    if (answered === CALLS_AFTERWARDS) return Math.round(performance.now() - beganAt)
  }
  return undefined
}

/** @throws {Error} when one is refused. */
async function createLargeRecords({ url, token }: Target): Promise<void> {
  const body = JSON.stringify({
    title: LONGEST_TEXT,
    summary: LONGEST_TEXT,
    startsAt: '2030-01-01T18:00:00.000Z',
    capacity: 1,
    visibility: 'public',
  })
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  let left = LARGE_RECORDS
  const seeders = Array.from({ length: SEEDERS }, async () => {
    while (left > 0) {
      left -= 1
      const response = await fetch(`${url}/api/records/events`, { method: 'POST', headers, body })
      const text = await response.text()
      if (response.status !== 200) throw new Error(`A record was not created: ${response.status} ${text}`)
    }
  })
  await Promise.all(seeders)
}

function megabytes(bytes: number | undefined): string {
  return bytes === undefined ? 'unknown' : `${Math.round(bytes / MEGABYTE)} MB`
}
