import { randomUUID } from 'node:crypto'
import { type ContextManager, context, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, type SpanProcessor } from '@opentelemetry/sdk-trace-base'
import { actionRegistry } from 'deputyjs'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ObservationFaults } from '../../server/core/observation-faults.ts'
import type { Observer } from '../../server/core/observer.ts'
import { guardTracing } from '../../server/invocation/guard-tracing.ts'
import { Timeline } from '../../server/invocation/timeline.ts'
import type { TraceSpan } from '../../server/invocation/tracing.ts'
import { createTracing } from '../../server/tracing/open-telemetry.ts'
import { enterSlot } from '../../server/trpc/call-limits.ts'
import { createRequestContext } from '../../server/trpc/context.ts'
import { action } from '../fixture/deputy.ts'
import { post } from '../http/send.ts'
import { eventData } from '../invocation/probe.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

type Moment = 'onStart' | 'onEnd'

/** Which spans the processor throws at, and when. */
let isFaulty: (moment: Moment, name: string) => boolean = () => false
const faultAt = (moment: Moment, name: string) => {
  if (isFaulty(moment, name)) throw new Error(`${moment} of ${name}`)
}
const processor: SpanProcessor = {
  onStart: (span) => faultAt('onStart', (span as unknown as { readonly name: string }).name),
  onEnd: (span) => faultAt('onEnd', span.name),
  forceFlush: async () => {},
  shutdown: async () => {},
}

const fault = () => {
  throw new Error('A fault of what observes')
}
const faultyObserver: Observer = {
  callEnded: fault,
  requestAnswered: fault,
  tokenRefused: fault,
  limitRefused: fault,
  auditRowsSampled: fault,
  spent: fault,
  workEnded: fault,
}

const make = action
  .input(z.strictObject({ id: z.string() }))
  .mutation(({ ctx, input }) => ctx.tools.create('events', eventData(), input.id))
const actions = actionRegistry({ make })

let app: Pick<TestApp, 'database' | 'engine' | 'listen' | 'token' | typeof Symbol.asyncDispose>
let url = ''
let token = ''
beforeAll(async () => {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }))
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable() as ContextManager)
  app = await createTestApp({
    actions,
    observer: faultyObserver,
    tracing: createTracing(await import('@opentelemetry/api')),
  })
  url = await app.listen()
  token = await app.token('ada')
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  trace.disable()
  context.disable()
})
afterEach(() => {
  isFaulty = () => false
})

const rowsOf = async (id: string) => {
  const statement = { sql: 'select 1 from public.events where record_id = $1', params: [id] }
  return (await app.database.query(statement)).rows.length
}
const nothingIsHeld = () => {
  expect(app.engine.callSlots.counts).toEqual({ working: 0, waiting: 0, waitingForTurns: 0, suspended: 0 })
  expect(app.engine.liveCalls.count).toBe(0)
  expect(app.database.load.leased).toBe(0)
}

const PARTS = ['make', 'room', 'claim', 'attempt', 'connection', 'statement', 'commit', '']
const faults = PARTS.flatMap((part) => [
  { part, moment: 'onStart' as const },
  { part, moment: 'onEnd' as const },
])

describe('a span processor that throws', () => {
  it.each(faults)('at $moment of "$part" changes no answer, and holds nothing', async ({ part, moment }) => {
    let thrown = 0
    isFaulty = (at, name) => {
      const isHit = at === moment && name.startsWith(part)
      if (isHit) thrown += 1
      return isHit
    }
    const id = randomUUID()
    const answer = await post(`${url}/api/actions/make`, {
      token,
      headers: { 'idempotency-key': id },
      body: JSON.stringify({ id }),
    })
    expect(answer.status, answer.text).toBe(200)
    expect(await rowsOf(id)).toBe(1)
    expect(thrown).toBeGreaterThan(0)
    nothingIsHeld()
  })
})

describe('an observer that throws at everything', () => {
  it.each([
    { what: 'a call', send: { token: 'own', body: { id: 'own' } }, status: 200 },
    { what: 'a call that is refused', send: { token: 'own', body: {} }, status: 400 },
    { what: 'a token that is refused', send: { token: 'forged', body: { id: 'own' } }, status: 401 },
  ])('changes no answer: $what is $status', async ({ send, status }) => {
    const body = JSON.stringify(send.body).replace('own', randomUUID())
    const answer = await post(`${url}/api/actions/make`, {
      token: send.token === 'own' ? token : send.token,
      body,
    })
    expect(answer.status, answer.text).toBe(status)
    nothingIsHeld()
  })

  it.each(Object.keys(faultyObserver) as (keyof Observer)[])('is guarded at %s', (method) => {
    const { observer = expect.fail('There is none') } = app.engine
    const call = observer[method] as (...given: unknown[]) => void // Each is given what it does not look at.
    expect(() => call({}, 0, 0)).not.toThrow()
  })
})

it('a log that throws changes no answer', async () => {
  const { log } = app.engine
  const info = log.info
  log.info = fault
  const id = randomUUID()
  try {
    expect((await post(`${url}/api/actions/make`, { token, body: JSON.stringify({ id }) })).status).toBe(200)
  } finally {
    log.info = info
  }
  expect(await rowsOf(id)).toBe(1)
})

it('the room of a call is given back whatever throws after it was taken', async () => {
  const ctx = createRequestContext(app.engine, { authorization: `Bearer ${token}`, transport: 'caller' })
  const actor = { kind: 'anonymous' } as const
  const call = { ctx, actor, timeline: new Timeline({ ...silent, begin: () => ({ ...silent, end: fault }) }) }
  expect(() => enterSlot(call)).toThrow('A fault of what observes')
  nothingIsHeld()
  const { liveCalls } = app.engine
  const add = liveCalls.add
  liveCalls.add = fault
  try {
    const id = randomUUID()
    expect((await post(`${url}/api/actions/make`, { token, body: JSON.stringify({ id }) })).status).toBe(500)
  } finally {
    liveCalls.add = add
  }
  nothingIsHeld()
})

const silent: TraceSpan = {
  traceId: 't',
  spanId: 's',
  begin: () => silent,
  run: (work) => work(),
  outgoingHeaders: () => ({}),
  note() {},
  end() {},
}

describe('the work in a span', () => {
  const spanOf = (span: TraceSpan) =>
    guardTracing({ begin: () => span }, new ObservationFaults({ error() {} } as never)).begin({} as never)

  it.each([
    { how: 'throws before it', run: fault },
    {
      how: 'throws after it',
      run: (work: () => unknown) => {
        work()
        fault()
      },
    },
    { how: 'forgets it', run: () => undefined },
    {
      how: 'does it twice',
      run: (work: () => unknown) => {
        work()
        work()
      },
    },
    { how: 'does it as it should', run: (work: () => unknown) => work() },
  ])('is done once where the context $how, and its error is its own', ({ run }) => {
    const span = spanOf({ ...silent, run: run as TraceSpan['run'] })
    let times = 0
    expect(span?.run(() => ++times)).toBe(1)
    expect(times).toBe(1)
    expect(() =>
      span?.run(() => {
        times += 1
        throw new Error('Its own')
      }),
    ).toThrow('Its own')
    expect(times).toBe(2)
  })

  it('goes on where every method of the span throws', () => {
    const span = spanOf({
      ...silent,
      begin: fault,
      run: fault,
      outgoingHeaders: fault,
      note: fault,
      end: fault,
    })
    expect(span?.begin('part')).toBeUndefined()
    expect(span?.outgoingHeaders()).toEqual({})
    expect(span?.run(() => 5)).toBe(5)
    span?.note({})
    span?.end()
  })
})

it('faults of what observes are one line a minute, with their count', () => {
  const lines: unknown[] = []
  let now = 0
  const observed = new ObservationFaults(
    { error: (line: unknown) => void lines.push(line) } as never,
    () => now,
  )
  for (let nth = 0; nth < 1_000; nth += 1) observed.note('callEnded', new Error('a'))
  now = 60_000
  observed.note('callEnded', new Error('b'))
  expect(lines).toMatchObject([{ count: 1 }, { count: 1_000 }])
  const broken = new ObservationFaults({ error: fault })
  expect(broken.guard('spent', fault, 7)).toBe(7)
})
