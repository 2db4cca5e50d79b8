import {
  type ContextManager,
  context,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { fail, ok } from 'deputyjs'
import { defineIntegrations } from 'deputyjs/integrations'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AddressRange, parseRange } from '../../server/auth/client-address.ts'
import { createTracing } from '../../server/tracing/open-telemetry.ts'
import { post } from '../http/send.ts'
import { eventData } from '../invocation/probe.ts'
import { openObservedApp } from '../metrics/observed-app.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const TRACEPARENT = `00-${TRACE_ID}-b7ad6b7169203331-01`

const api = await import('@opentelemetry/api')
const exporter = new InMemorySpanExporter()

/** One that would send on whatever it is given: what goes out is not up to it. */
const propagator = {
  inject(
    _from: unknown,
    carrier: unknown,
    setter: { set(carrier: unknown, key: string, value: string): void },
  ) {
    for (const name of ['baggage', 'tracestate', 'traceparent']) setter.set(carrier, name, 'propagated')
  },
  extract: (from: unknown) => from,
  fields: () => ['traceparent', 'tracestate', 'baggage'],
}

/** Who is believed; a test may take it away. */
const trusted: AddressRange[] = []
const PROXIES = ['127.0.0.0/8', '::1'].map(parseRange).filter((range) => range !== undefined)

let open: Awaited<ReturnType<typeof openObservedApp>>
beforeAll(async () => {
  trace.setGlobalTracerProvider(
    new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }),
  )
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable() as ContextManager)
  propagation.setGlobalPropagator(propagator as never)
  open = await openObservedApp({
    tracing: createTracing(api),
    trustedProxies: trusted,
    integrations: defineIntegrations({
      weather: { billing: 'developer', clients: 'none', trace: true },
      libretranslate: { billing: 'developer', clients: 'none' },
    }),
  })
})
afterAll(async () => {
  await open[Symbol.asyncDispose]()
  trace.disable()
  context.disable()
  propagation.disable()
})
afterEach(() => {
  exporter.reset()
  trusted.length = 0
})

const spans = () => exporter.getFinishedSpans()
const named = (name: string) => spans().filter((span) => span.name === name)
const one = (name: string): ReadableSpan =>
  named(name)[0] ?? expect.fail(`No span ${name}: ${spans().map((span) => span.name)}`)

describe('a call that is traced', () => {
  it('is a span, with one for each part of its time', async () => {
    await open.run(async (ctx) => {
      const created = await ctx.tools.create('events', eventData())
      if (!created.success) return created
      await ctx.tools.integration('weather/forecast', { latitude: 1, longitude: 2 })
      return ctx.tools.get('events', created.data.recordId)
    })
    const call = one('act')
    expect(call.attributes).toMatchObject({
      'deputy.action': 'act',
      'deputy.code': 'OK',
      'deputy.attempts': 2,
      'deputy.source': 'client',
      'deputy.transport': 'caller',
    })
    const attempts = named('attempt 1').concat(named('attempt 2'))
    expect(attempts).toHaveLength(2)
    for (const part of [...attempts, one('claim'), one('step weather/forecast')])
      expect(part.parentSpanContext?.spanId).toBe(call.spanContext().spanId)
    const [, second] = attempts
    for (const part of [one('commit'), one('statement select events')])
      expect(part.parentSpanContext?.spanId).toBe(second?.spanContext().spanId)
    expect(new Set(spans().map((span) => span.spanContext().traceId)).size).toBe(1)
  })

  it('holds no user, no input and no value', async () => {
    const title = `secret-${crypto.randomUUID()}`
    const userId = `user-${crypto.randomUUID()}`
    await open
      .run(
        async (ctx) => {
          await ctx.tools.create('events', { ...eventData(), title })
          throw new Error(`it broke at ${title}`)
        },
        { userId },
      )
      .catch(() => {})
    const text = JSON.stringify(
      spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    )
    expect(text).toContain('statement insert events')
    for (const value of [title, userId]) expect(text).not.toContain(value)
  })

  it('says what it has failed with', async () => {
    await open.run(async () => fail('CONFLICT', 'Full'))
    expect(one('act')).toMatchObject({
      status: { code: SpanStatusCode.ERROR },
      attributes: { 'deputy.code': 'CONFLICT' },
    })
  })

  it('goes on with the trace that a trusted proxy sends, and names it in its lines', async () => {
    trusted.push(...PROXIES)
    const url = await open.app.listen()
    const id = open.hold(async (ctx) => {
      ctx.log.info('Mine')
      return ok(1)
    })
    await post(`${url}/api/actions/act`, {
      token: await open.app.token('ada'),
      headers: { traceparent: TRACEPARENT },
      body: JSON.stringify({ id }),
    })
    const call = one('act')
    expect(call.kind).toBe(SpanKind.SERVER)
    expect(call.spanContext().traceId).toBe(TRACE_ID)
    expect(call.parentSpanContext).toMatchObject({ spanId: 'b7ad6b7169203331', isRemote: true })
    for (const msg of ['Mine', 'Call'])
      expect(open.app.logged.findLast((line) => line.msg === msg)).toMatchObject({
        trace_id: TRACE_ID,
        span_id: call.spanContext().spanId,
      })
  })

  it.each(['01', '00'])(
    'only links to the trace of a stranger, whose flag %s decides nothing',
    async (flag) => {
      const url = await open.app.listen()
      const id = open.hold(async (ctx) => {
        const answer = await ctx.tools.integration('weather/forecast', { latitude: 1, longitude: 2 })
        return answer.success ? ok(1) : answer
      })
      const answer = await post(`${url}/api/actions/act`, {
        token: await open.app.token('ada'),
        headers: {
          traceparent: `${TRACEPARENT.slice(0, -2)}${flag}`,
          tracestate: 'a=stranger',
          baggage: 'userId=stranger',
        },
        body: JSON.stringify({ id }),
      })
      expect(answer.status).toBe(200)
      const call = one('act')
      expect(call.spanContext().traceId).not.toBe(TRACE_ID)
      expect(call.parentSpanContext).toBeUndefined()
      expect(call.links).toMatchObject([{ context: { traceId: TRACE_ID, spanId: 'b7ad6b7169203331' } }])
      const [sent] = open.upstream.calls('weather/forecast').slice(-1)
      const { traceId, spanId } = one('step weather/forecast').spanContext()
      expect(sent?.headers).toMatchObject({ traceparent: `00-${traceId}-${spanId}-01` })
      for (const name of ['baggage', 'tracestate']) expect(sent?.headers).not.toHaveProperty(name)
      expect(JSON.stringify(sent?.headers)).not.toContain('stranger')
    },
  )

  it.each(['', 'garbage', `00-${'0'.repeat(32)}-${'0'.repeat(16)}-01`, 'x'.repeat(5_000)])(
    'begins a trace of its own where traceparent is %j',
    async (traceparent) => {
      const url = await open.app.listen()
      const id = open.hold(async () => ok(1))
      const answer = await post(`${url}/api/actions/act`, {
        token: await open.app.token('ada'),
        headers: { traceparent },
        body: JSON.stringify({ id }),
      })
      expect(answer.status).toBe(200)
      expect(one('act').spanContext().traceId).toMatch(/^(?!0+$)[\da-f]{32}$/)
    },
  )

  it('has what the app’s own instrumentation traces as a part of it', async () => {
    await open.run(async () => {
      trace.getTracer('app').startSpan('mine').end()
      return ok(1)
    })
    expect(one('mine').spanContext().traceId).toBe(one('act').spanContext().traceId)
  })
})

describe('an outbound call', () => {
  it('tells the provider what it is a part of where its integration says so, and no other', async () => {
    await open.run(async (ctx) => {
      await ctx.tools.integration('weather/forecast', { latitude: 1, longitude: 2 })
      return ctx.tools.integration('libretranslate/translate', { q: 'a', source: 'en', target: 'de' })
    })
    const step = one('step weather/forecast').spanContext()
    const [traced] = open.upstream.calls('weather/forecast').slice(-1)
    const [plain] = open.upstream.calls('libretranslate/translate').slice(-1)
    expect(traced?.headers.traceparent).toBe(`00-${step.traceId}-${step.spanId}-01`)
    expect(plain).toBeDefined()
    expect(plain?.headers.traceparent).toBeUndefined()
  })
})

it('without an SDK nothing is traced, whatever a request says', () => {
  trace.disable()
  const tracing = createTracing(api)
  const call = { action: 'act', transport: 'rest', source: 'client', requestId: 'r' }
  for (const isTrusted of [true, false])
    expect(tracing.begin({ ...call, remote: { traceparent: TRACEPARENT, isTrusted } })).toBeUndefined()
  expect(tracing.begin({ ...call, remote: undefined })).toBeUndefined()
})
