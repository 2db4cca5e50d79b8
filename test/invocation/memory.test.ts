import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { ok } from 'deputyjs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Execution } from '../../server/invocation/execution.ts'
import { Invocation } from '../../server/invocation/invocation.ts'
import { InvocationRecord } from '../../server/invocation/invocation-record.ts'
import { runInvocation } from '../../server/invocation/run.ts'
import { createProbe, type Probe } from './probe.ts'

const CALLS = 3_000
const BATCH = 20
const actor = { kind: 'user', userId: 'ada', token: '', claims: {} } as const

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

let probe: Probe
beforeAll(async () => {
  probe = await createProbe()
})
afterAll(() => probe[Symbol.asyncDispose]())

/** Suspends: reads, calls out, is run again. Returns a reference to what only the abandoned run holds. */
async function suspendedCall(): Promise<WeakRef<object>> {
  const abandoned: WeakRef<object>[] = []
  const { engine } = probe.app
  const invocation = new Invocation({
    log: engine.log,
    actor,
    action: 'memory',
    requestId: 'r',
    readOnly: false,
    deadlineMs: 60_000,
  })
  const record = new InvocationRecord(engine.fingerprint, engine.clock())
  await runInvocation(new Execution(engine, { invocation, record }), async (attempt) => {
    const ballast = { kilobytes: new Array(1_000).fill(attempt.number) }
    if (attempt.number === 1) abandoned.push(new WeakRef(ballast))
    try {
      await attempt.run({ sql: 'select 1', params: [] })
      await attempt.step({
        name: 'once:x',
        fingerprint: '',
        perform: async () => ({ value: 1, outcome: 'answered', cost: 0 }) as const,
      })
    } finally {
      ballast.kilobytes.push(attempt.signal.aborted)
    }
    return ok(1)
  })
  const [reference] = abandoned
  if (!reference) throw new Error('The handler did not run')
  return reference
}

async function suspendMany(count: number): Promise<WeakRef<object>[]> {
  const references: WeakRef<object>[] = []
  for (let done = 0; done < count; done += BATCH) {
    references.push(...(await Promise.all(Array.from({ length: BATCH }, suspendedCall))))
  }
  return references
}

async function heapMegabytes(): Promise<number> {
  // Weak references are kept until the turn of the event loop is over.
  for (let round = 0; round < 3; round += 1) {
    await new Promise(setImmediate)
    collectGarbage()
  }
  return process.memoryUsage().heapUsed / 2 ** 20
}

it('3 000 suspended calls leave nothing behind', { timeout: 120_000 }, async () => {
  await suspendMany(500)
  const before = await heapMegabytes()
  const references = await suspendMany(CALLS)
  const after = await heapMegabytes()
  const alive = references.filter((reference) => reference.deref() !== undefined)
  // The last batch may still hang on a timer of the driver; 3 000 runs would be 24 MB.
  expect(alive.length).toBeLessThanOrEqual(BATCH)
  expect(after - before).toBeLessThan(6)
})
