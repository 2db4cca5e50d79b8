/** The span of a call or of a part of it, of an app that traces. */
export interface TraceSpan {
  readonly traceId: string
  readonly spanId: string
  /** Begins a part of it. @returns undefined where it cannot be traced */
  begin(name: string): TraceSpan | undefined
  /** Runs work in it: what the app's own instrumentation traces there is a part of it. */
  run<T>(work: () => T): T
  /** The headers that tell an upstream what its work is a part of. */
  outgoingHeaders(): Readonly<Record<string, string>>
  note(attributes: Readonly<Record<string, string | number | boolean>>): void
  /** @param error what it failed with, if it did */
  end(error?: unknown): void
}

/** What is known of a call when its span begins. */
export interface TracedCall {
  readonly action: string
  readonly transport: string
  readonly source: string
  readonly requestId: string
  /** What the request says it is a part of; undefined where it says nothing. */
  readonly remote: RemoteTrace | undefined
}

/** The trace that a request says it is a part of. */
export interface RemoteTrace {
  /** As W3C's Trace Context has it; whatever was sent. */
  readonly traceparent: string
  /** Whether a trusted proxy has sent it. */
  readonly isTrusted: boolean
}

/** Begins spans where the app traces. */
export interface Tracing {
  /** @returns undefined where no one looks at it */
  begin(call: TracedCall): TraceSpan | undefined
}
