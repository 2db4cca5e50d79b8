import { randomUUID } from 'node:crypto'
import { TRPCError } from '@trpc/server'
import fc from 'fast-check'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { openPostgres } from '../../server/db/postgres.ts'
import type { FailpointName } from '../../server/invocation/engine.ts'
import { startUpstream, type Upstream } from '../integrations/upstream.ts'
import { gate } from '../invocation/probe.ts'
import { openTestDatabase, type TestDatabase } from '../support/database.ts'
import { bankCalls } from './bank-calls.ts'
import { createFaultApp, mintToken } from './fault-app.ts'
import { type Fault, KeyModel, type Seen } from './key-model.ts'
import { lookAt, type Truth } from './truth.ts'

const RUNS = 60
const POINTS: readonly FailpointName[] = [
  'after-claim',
  'after-step-sent',
  'after-step-answered',
  'before-commit',
  'after-commit',
  'before-respond',
]

let opened: TestDatabase
let bank: Upstream
let truth: Truth
let token: string
beforeAll(async () => {
  opened = await openTestDatabase()
  bank = await startUpstream()
  truth = lookAt(opened.url ?? '')
  token = await mintToken('ada')
})
afterAll(async () => {
  await truth[Symbol.asyncDispose]()
  await bank[Symbol.asyncDispose]()
  await opened[Symbol.asyncDispose]()
})

/** An app with connections of its own, which a fault can end in the middle of everything. */
async function startApp() {
  const database = openPostgres({ url: opened.url ?? '', max: 6 })
  let fault: Fault | undefined
  let hits = 0
  let hold: (() => Promise<void>) | undefined
  let die: (() => void) | undefined
  const died = new Promise<'died'>((resolve) => {
    die = () => resolve('died')
  })
  const app = await createFaultApp({
    database,
    bankUrl: bank.url,
    log: pino({ level: 'silent' }),
    failpoint: (point) => {
      if (point === 'after-claim' && hold) return hold()
      if (point !== fault?.point) return undefined
      hits += 1
      if (hits !== fault.nth) return undefined
      if (fault.how === 'throw') throw new Error('A fault of the test')
      die?.()
      return new Promise<void>(() => {}) // No code of a dead process goes on.
    },
  })
  return {
    arm: (next: Fault | undefined) => {
      fault = next
      hits = 0
    },
    died,
    stop: () => database.close(),
    /** Holds the next call that has the right to its key, until it is told to go on. */
    holdNext() {
      const [come, told] = [gate(), gate()]
      const goOn = () => {
        hold = undefined
        told.open()
      }
      hold = () => {
        hold = undefined
        come.open()
        return told.opened
      }
      return { come: come.opened, goOn }
    },
    async call({ action, key, name }: Key): Promise<Seen | 'running' | 'other input'> {
      const called = app
        .createCaller({ token, idempotencyKey: key })
        .actions[action]({ name })
        .catch((error: unknown) => error)
      const answer = await Promise.race([called, died])
      return answer === 'died' ? 'nothing' : seenOf(answer)
    },
  }
}

interface Key {
  readonly action: 'place' | 'order'
  readonly key: string
  readonly name: string
}

function seenOf(answer: unknown): Seen | 'running' | 'other input' {
  const { success, code, error } =
    answer instanceof TRPCError
      ? { success: false, code: answer.code, error: answer.message }
      : (answer as { success: boolean; code?: string; error?: string })
  if (success) return 'success'
  if (code === 'BAD_GATEWAY' && error?.includes('outcome is unknown')) return 'unknown'
  if (code === 'SERVICE_UNAVAILABLE') return 'unavailable'
  if (code === 'INTERNAL_SERVER_ERROR') return 'error'
  if (code === 'UNPROCESSABLE_CONTENT') return 'other input'
  if (code === 'CONFLICT' && error?.includes('still running')) return 'running'
  throw new Error(`Unexpected answer: ${code} ${error}`)
}

const key = fc.nat({ max: 3 })
const fault = fc.record<Fault>({
  point: fc.constantFrom(...POINTS),
  nth: fc.constantFrom(1, 1, 2),
  how: fc.constantFrom('throw', 'crash'),
})
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('call' as const), key }) },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('faulty call' as const), key, fault }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('calls at once' as const),
      keys: fc.array(key, { minLength: 2, maxLength: 8 }),
      fault: fc.option(fault, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('call during another' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('another input' as const), key }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
)
/** Comes to everything that is told of a call. */
const EVERYTHING: Step[] = [
  { kind: 'call during another', key: 0 },
  { kind: 'another input', key: 0 },
  { kind: 'faulty call', key: 1, fault: { point: 'after-step-sent', nth: 1, how: 'throw' } },
  { kind: 'call', key: 1 },
  { kind: 'faulty call', key: 2, fault: { point: 'before-commit', nth: 1, how: 'throw' } },
  { kind: 'faulty call', key: 3, fault: { point: 'after-step-answered', nth: 1, how: 'crash' } },
]
const seen = new Map<string, number>()

it('random calls, repetitions, faults and restarts: each key is done once, and all that is told of it is true', async () => {
  await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), run), {
    numRuns: RUNS,
    examples: [[EVERYTHING]],
  })
  console.info('seen:', [...seen].map(([what, times]) => `${what} ${times}`).join(', '))
  // The runs came to everything that they are about.
  for (const what of ['success', 'unknown', 'unavailable', 'error', 'nothing', 'other input', 'running'])
    expect(seen.get(what), what).toBeGreaterThan(0)
}, 300_000)

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function run(steps: readonly Step[]): Promise<void> {
  const keys = [0, 1, 2, 3].map((nth) => {
    const made: Key = { action: nth % 2 ? 'order' : 'place', key: randomUUID(), name: randomUUID() }
    return { ...made, model: new KeyModel(nth % 2 ? 2 : 0) }
  })
  const at = (nth: number) => keys[nth] ?? expect.fail('no such key')
  let app = await startApp()
  const restart = async () => {
    await app.stop()
    app = await startApp()
    await truth.endLease()
  }
  const call = async (subject: Key) => {
    const answer = await app.call(subject)
    seen.set(answer, (seen.get(answer) ?? 0) + 1)
    return answer
  }
  /** After a call with a fault: as after a crash, or at least when the lease of its key has ended. */
  const recover = async (answers: readonly string[]) => {
    app.arm(undefined)
    await (answers.includes('nothing') ? restart() : truth.endLease())
  }

  for (const it of steps) {
    switch (it.kind) {
      case 'call': {
        const { model, ...subject } = at(it.key)
        expect(await call(subject)).toBe(model.call(undefined))
        break
      }
      case 'faulty call': {
        const { model, ...subject } = at(it.key)
        app.arm(it.fault)
        const answer = await call(subject)
        expect(answer).toBe(model.call(it.fault))
        await recover([answer])
        break
      }
      case 'calls at once': {
        app.arm(it.fault)
        const answers = await Promise.all(it.keys.map((nth) => call(at(nth))))
        await recover(answers)
        // Which of them came first is not known: the model learns it from the outcome.
        for (const [n, nth] of it.keys.entries()) {
          const { model, name, key } = at(nth)
          const wasDone = model.isDone
          await learn(model, name, key)
          if (wasDone || answers[n] === 'success') expect(model.isDone).toBe(true)
        }
        break
      }
      case 'call during another': {
        const { model, ...subject } = at(it.key)
        const held = app.holdNext()
        const first = call(subject)
        // One whose key has its answer is not held.
        const isHeld = await Promise.race([held.come.then(() => true), first.then(() => false)])
        if (isHeld) expect(await call(subject)).toBe('running')
        held.goOn()
        expect(await first).toBe(model.call(undefined))
        break
      }
      case 'another input': {
        const { model, ...subject } = at(it.key)
        if (model.isDone || model.isHeld)
          expect(await call({ ...subject, name: 'another' })).toBe('other input')
        break
      }
      case 'restart':
        await restart()
    }
    expect(await truth.inconsistencies()).toEqual([])
  }

  for (const { model, ...subject } of keys) {
    const expected = model.call(undefined)
    expect([await call(subject), await call(subject)]).toEqual([expected, expected])
    expect(await truth.effects(subject.name)).toHaveLength(expected === 'success' ? 1 : 0)
    const steps = bankCalls(bank, subject.name)
    if (expected === 'unknown') {
      // It may have left, once.
      for (const times of steps) expect(times).toBeLessThanOrEqual(1)
    } else expect(steps).toEqual(subject.action === 'order' ? [1, 1] : [0, 0])
  }
  expect(await truth.inconsistencies()).toEqual([])
  await app.stop()
}

async function learn(model: KeyModel, name: string, key: string): Promise<void> {
  model.isDone = (await truth.effects(name)).length > 0
  const steps = await truth.sql<
    { state: string }[]
  >`select state from deputy.journal_steps where key = ${key}`
  model.answered = steps.filter(({ state }) => state === 'answered').length
  model.isUnknown = steps.length > model.answered
  const claims = await truth.sql`select 1 from deputy.idempotency_claims where key = ${key}`
  model.isHeld = claims.length > 0
}
