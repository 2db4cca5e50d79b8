import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgres } from '../../server/db/postgres.ts'
import type { FailpointName } from '../../server/invocation/engine.ts'
import { sweepAllReservations } from '../../server/ledger/sweep.ts'
import { doAllDue } from '../../server/queue/dispatcher.ts'
import { json, startUpstream, type Upstream } from '../integrations/upstream.ts'
import { accountOf, checkLedger, fund } from '../ledger/ledger.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { shortened } from '../support/shortened.ts'
import { createFaultApp, failuresLeft, mintToken, NOTE_PRICE } from './fault-app.ts'
import type { Fault } from './key-model.ts'
import { lookAt, type Truth } from './truth.ts'

const RUNS = shortened({ short: 25, whole: 150 })
const CREDITS = 100_000_000
const POINTS: readonly FailpointName[] = [
  'after-claim',
  'after-reserve',
  'after-step-sent',
  'after-step-answered',
  'before-commit',
  'after-commit',
  'before-respond',
]

let opened: TestDatabase
let provider: Upstream
let truth: Truth
let token: string
beforeAll(async () => {
  opened = await openTestDatabase()
  provider = await startUpstream()
  provider.onPath('/note', (_received, response) => json(response, 200, {}))
  truth = lookAt(opened.url ?? '')
  token = await mintToken('ada')
  await fund(opened.database, 'ada', CREDITS)
})
afterAll(async () => {
  await truth[Symbol.asyncDispose]()
  await provider[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
})

/** A server with connections of its own, which a fault can end in the middle of everything. */
async function startServer() {
  const database = openPostgres({ url: opened.url ?? '', max: 6 })
  let fault: Fault | undefined
  let hits = 0
  let die: (() => void) | undefined
  const died = new Promise<'died'>((resolve) => {
    die = () => resolve('died')
  })
  const app = await createFaultApp({
    database,
    bankUrl: provider.url,
    log: pino({ level: 'silent' }),
    failpoint: (point) => {
      if (point !== fault?.point) return undefined
      hits += 1
      if (hits !== fault.nth) return undefined
      if (fault.how === 'throw') throw new Error('A fault of the test')
      die?.()
      return new Promise<void>(() => {}) // No code of a dead process goes on.
    },
  })
  return {
    app,
    arm: (next: Fault | undefined) => {
      fault = next
      hits = 0
    },
    died,
    stop: () => database.close(),
  }
}

const fault = fc.option(
  fc.record<Fault>({
    point: fc.constantFrom(...POINTS),
    nth: fc.constantFrom(1, 1, 2),
    how: fc.constantFrom('throw', 'crash'),
  }),
  { nil: undefined },
)
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant('later' as const),
      how: fc.constantFrom('works', 'works', 'fails twice', 'refused'),
      key: fc.option(fc.constantFrom('one', 'two'), { nil: undefined }),
      replaces: fc.boolean(),
      fault,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('cancel' as const), nth: fc.nat({ max: 5 }), fault }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('run' as const), fault }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never
/** A job that has lost its key to another one, has it again when that is done, and is replaced. */
const REGAINED: Step[] = [
  { kind: 'later', how: 'fails twice', key: 'one', replaces: false, fault: undefined },
  { kind: 'run', fault: { point: 'after-claim', nth: 1, how: 'crash' } },
  { kind: 'later', how: 'works', key: 'one', replaces: false, fault: undefined },
  { kind: 'run', fault: undefined },
  { kind: 'later', how: 'works', key: 'one', replaces: true, fault: undefined },
  { kind: 'later', how: 'works', key: undefined, replaces: false, fault: undefined },
]
/** Comes to everything that can become of a job. */
const EVERYTHING: Step[] = [
  { kind: 'later', how: 'works', key: 'one', replaces: false, fault: undefined },
  { kind: 'later', how: 'works', key: 'one', replaces: false, fault: undefined },
  { kind: 'later', how: 'works', key: 'one', replaces: true, fault: undefined },
  { kind: 'cancel', nth: 0, fault: undefined },
  { kind: 'later', how: 'refused', key: undefined, replaces: false, fault: undefined },
  { kind: 'later', how: 'works', key: undefined, replaces: false, fault: undefined },
  {
    ...{ kind: 'later', how: 'works', key: undefined, replaces: false },
    fault: { point: 'before-commit', nth: 1, how: 'throw' },
  },
  { kind: 'run', fault: { point: 'after-claim', nth: 1, how: 'crash' } },
]
const seen = new Map<string, number>()
const note = (what: string) => seen.set(what, (seen.get(what) ?? 0) + 1)

it('random jobs, cancellations, replacements, failures and crashes: each job has at most one effect, and none is lost', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 16 }), run), {
    numRuns: RUNS,
    examples: [[REGAINED], [EVERYTHING]],
  })
  console.info('seen:', [...seen].map(([what, times]) => `${what} ${times}`).join(', '))
  for (const what of ['queued', 'crash', 'throw', 'done', 'canceled', 'replaced', 'kept', 'dead'])
    expect(seen.get(what), what).toBeGreaterThan(0)
  // What canceled jobs had set aside.
  await sweepAllReservations(opened.database)
  await checkLedger(opened.database)
  const { available, reserved } = await accountOf(opened.database, 'ada')
  expect(reserved).toBe(0)
  // Each note was paid once at most: one that may have been sent by a server that died is paid as well.
  const [settled] = await truth.sql<{ entries: number; effects: number }[]>`
    select count(*)::int as entries, count(distinct effect)::int as effects
    from deputy.credit_entries where kind = 'settle' and cost > 0`
  expect(settled?.entries).toBe(settled?.effects)
  expect(CREDITS - available).toBe(Number(settled?.entries) * NOTE_PRICE)
}, 300_000)

async function run(steps: readonly Step[]): Promise<void> {
  await truth.sql`delete from deputy.queue`
  let server = await startServer()
  const names = new Set<string>()
  /** Jobs that a caller was told of. */
  const told = new Set<string>()
  const canceled = new Set<string>()
  const namesOf = new Map<string, readonly string[]>()
  const mayHaveCommitted = new Set<string>()
  const maybeCanceled = new Set<string>()

  /** Does something that may crash the server, which is then another one. */
  const attempt = async <T>(faulty: Fault | undefined, act: () => Promise<T>): Promise<T | undefined> => {
    server.arm(faulty)
    const acted = act().catch(() => undefined)
    const answer = await Promise.race([acted, server.died])
    server.arm(undefined)
    if (answer !== 'died') {
      if (faulty?.how === 'throw') note('throw')
      await truth.endLeases()
      return answer
    }
    note('crash')
    await server.stop()
    server = await startServer()
    await truth.endLeases()
    return undefined
  }
  const makeDue = () => truth.sql`update deputy.queue set due_at = now() where state = 'queued'`

  for (const it of steps) {
    const { actions } = server.app.createCaller({ token })
    switch (it.kind) {
      case 'later': {
        const name = `${it.how === 'refused' ? 'refused' : 'works'}-${randomUUID()}`
        if (it.how === 'fails twice') failuresLeft.set(name, 2)
        names.add(name)
        const ofKey = it.key === undefined ? [] : (namesOf.get(it.key) ?? [])
        // One that has committed, though its server could not note it, has happened before it is replaced.
        if (it.replaces) for (const each of ofKey) mayHaveCommitted.add(each)
        if (it.key !== undefined) namesOf.set(it.key, [...ofKey, name])
        const asked = { name, key: it.key, replaces: it.replaces }
        const [before] = await truth.sql<{ id: string }[]>`
          select id from deputy.queue where key = ${it.key ?? null}`
        const answer = await attempt(it.fault, () => actions.queueOne(asked))
        const jobId = answer?.success ? answer.data.jobId : undefined
        // One that was tried already and waits has given its place to another one, maybe without that anyone was told.
        if (before && it.replaces && before.id !== jobId) maybeCanceled.add(before.id)
        if (jobId === undefined) break
        note(told.has(jobId) ? (it.replaces ? 'replaced' : 'kept') : 'queued')
        told.add(jobId)
        break
      }
      case 'cancel': {
        const jobId = [...told][it.nth]
        if (jobId === undefined) break
        maybeCanceled.add(jobId)
        const answer = await attempt(it.fault, () => actions.cancelOne({ jobId }))
        if (!answer?.success) break
        canceled.add(jobId)
        note('canceled')
        break
      }
      case 'run':
        await attempt(it.fault, () => doAllDue(server.app.engine))
        await makeDue()
    }
    expect(await twice()).toEqual([])
  }
  // The faults are over.
  for (let n = 0; n < 5; n += 1) {
    await truth.endLeases()
    await makeDue()
    await doAllDue(server.app.engine)
  }
  await server.stop()
  await truth.endHolds()
  await server.app.engine.database.close().catch(() => {})

  const rows = await truth.sql<{ id: string; state: string; name: string }[]>`
    select id, state, data::json #>> '{json,name}' as name from deputy.queue`
  for (const { state } of rows) note(state)
  const byId = new Map(rows.map((row) => [row.id, row]))
  for (const id of told) {
    const row = byId.get(id)
    if (canceled.has(id)) expect(row).toBeUndefined()
    else if (!maybeCanceled.has(id))
      expect([id, row?.state === 'done' || row?.state === 'dead']).toEqual([id, true])
  }
  const done = new Set(rows.filter(({ state }) => state === 'done').map(({ name }) => name))
  for (const name of names) {
    const { length } = await truth.effects(name)
    if (done.has(name) || !mayHaveCommitted.has(name))
      expect([name, length]).toEqual([name, done.has(name) ? 1 : 0])
  }
  expect(await twice()).toEqual([])
}

async function twice() {
  return truth.sql`select title from events group by title having count(*) > 1`
}
