// OpenTelemetry by its API alone: the app brings an SDK, or nothing is traced.
import type * as OpenTelemetry from '@opentelemetry/api'
import type { TracedCall, TraceSpan, Tracing } from '../invocation/tracing.ts'

type Api = Pick<
  typeof OpenTelemetry,
  'context' | 'isSpanContextValid' | 'SpanKind' | 'SpanStatusCode' | 'trace'
>

const TRACER = 'deputyjs'
const TRACEPARENT = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/
const SAMPLED = 1

/** Loads the API of OpenTelemetry, where the app has it. @returns undefined where it has not */
export async function loadTracing(): Promise<Tracing | undefined> {
  const api = await import('@opentelemetry/api').catch(() => undefined)
  return api && createTracing(api)
}

/** Creates what begins spans. Until an SDK is registered, and where it samples nothing, it costs next to nothing. */
export function createTracing(api: Api): Tracing {
  const tracer = api.trace.getTracer(TRACER)
  return {
    begin(call) {
      const active = api.context.active()
      const remote = remoteOf(api, call)
      // What the app's own instrumentation has begun for the request is nearer than what the request says.
      const isOuter = api.trace.getSpan(active) === undefined
      const isChild = remote !== undefined && isOuter && call.remote?.isTrusted === true
      const parent = isChild ? api.trace.setSpanContext(active, remote) : active
      // A stranger's flag would decide whether the app's sampler is asked: their trace is linked to.
      const links = remote && isOuter && !isChild ? [{ context: remote }] : []
      const span = tracer.startSpan(call.action, { kind: kindOf(api, call), links }, parent)
      const { spanId } = span.spanContext()
      // No SDK is there: nothing would be seen of it, here or in the log.
      if (!api.isSpanContextValid(span.spanContext()) || spanId === remote?.spanId) return undefined
      span.setAttributes({
        'deputy.action': call.action,
        'deputy.transport': call.transport,
        'deputy.source': call.source,
        'deputy.request_id': call.requestId,
      })
      return new OpenTelemetrySpan(api, tracer, span, api.trace.setSpan(parent, span))
    },
  }
}

/** The span that a request says it is a part of, by W3C's Trace Context. */
function remoteOf(api: Api, { remote }: TracedCall): OpenTelemetry.SpanContext | undefined {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(remote?.traceparent ?? '') ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined
  const context = { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & SAMPLED, isRemote: true }
  return api.isSpanContextValid(context) ? context : undefined
}

function kindOf({ SpanKind }: Api, { source, transport }: TracedCall): OpenTelemetry.SpanKind {
  if (source === 'later' || source === 'schedule') return SpanKind.CONSUMER
  return transport === 'rest' || transport === 'trpc' ? SpanKind.SERVER : SpanKind.INTERNAL
}

class OpenTelemetrySpan implements TraceSpan {
  readonly traceId: string
  readonly spanId: string
  readonly #api: Api
  readonly #tracer: OpenTelemetry.Tracer
  readonly #span: OpenTelemetry.Span
  readonly #context: OpenTelemetry.Context

  constructor(
    api: Api,
    tracer: OpenTelemetry.Tracer,
    span: OpenTelemetry.Span,
    context: OpenTelemetry.Context,
  ) {
    this.#api = api
    this.#tracer = tracer
    this.#span = span
    this.#context = context
    const { traceId, spanId } = span.spanContext()
    this.traceId = traceId
    this.spanId = spanId
  }

  begin(name: string): TraceSpan {
    const span = this.#tracer.startSpan(name, {}, this.#context)
    return new OpenTelemetrySpan(this.#api, this.#tracer, span, this.#api.trace.setSpan(this.#context, span))
  }

  run<T>(work: () => T): T {
    return this.#api.context.with(this.#context, work)
  }

  outgoingHeaders(): Readonly<Record<string, string>> {
    const { traceId, spanId, traceFlags } = this.#span.spanContext()
    return { traceparent: `00-${traceId}-${spanId}-${(traceFlags & SAMPLED).toString(16).padStart(2, '0')}` }
  }

  note(attributes: Readonly<Record<string, string | number | boolean>>): void {
    this.#span.setAttributes(attributes)
  }

  end(error?: unknown): void {
    // A message may hold what the log would not show.
    if (error !== undefined) {
      const message = error instanceof Error ? error.name : String(typeof error)
      this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message })
    }
    this.#span.end()
  }
}
