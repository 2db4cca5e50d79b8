import type { ObservationFaults } from '../core/observation-faults.ts'
import type { TraceSpan, Tracing } from './tracing.ts'

/** Wraps what begins spans in what never throws, whatever an SDK, its processors and its exporters do. */
export function guardTracing(tracing: Tracing, faults: ObservationFaults): Tracing {
  return { begin: (call) => guarded(() => tracing.begin(call), faults) }
}

function guarded(begin: () => TraceSpan | undefined, faults: ObservationFaults): TraceSpan | undefined {
  const span = faults.guard('the begin of a span', begin, undefined)
  return span && new GuardedSpan(span, faults)
}

class GuardedSpan implements TraceSpan {
  readonly traceId: string
  readonly spanId: string
  readonly #span: TraceSpan
  readonly #faults: ObservationFaults

  constructor(span: TraceSpan, faults: ObservationFaults) {
    this.#span = span
    this.#faults = faults
    this.traceId = span.traceId
    this.spanId = span.spanId
  }

  begin(name: string): TraceSpan | undefined {
    return guarded(() => this.#span.begin(name), this.#faults)
  }

  /** Does the work once, whatever the span does around it. */
  run<T>(work: () => T): T {
    let done: Outcome<T> | undefined
    const once = (): Outcome<T> => {
      done ??= outcomeOf(work)
      return done
    }
    this.#faults.guard<unknown>('the context of a span', () => this.#span.run(once), undefined)
    const outcome = once()
    if ('error' in outcome) throw outcome.error
    return outcome.value
  }

  outgoingHeaders(): Readonly<Record<string, string>> {
    return this.#faults.guard('the headers of a span', () => this.#span.outgoingHeaders(), {})
  }

  note(attributes: Readonly<Record<string, string | number | boolean>>): void {
    this.#faults.guard('the attributes of a span', () => this.#span.note(attributes), undefined)
  }

  end(error?: unknown): void {
    this.#faults.guard('the end of a span', () => this.#span.end(error), undefined)
  }
}

type Outcome<T> = { readonly value: T } | { readonly error: unknown }

function outcomeOf<T>(work: () => T): Outcome<T> {
  try {
    return { value: work() }
  } catch (error) {
    return { error }
  }
}
