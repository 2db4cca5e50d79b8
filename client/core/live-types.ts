import type { DeputyError } from './error.ts'

/** How a subscription stands: it is `idle` once it has ended. */
export interface LiveState {
  readonly type: 'state'
  readonly state: 'connecting' | 'pending' | 'idle'
  /** Why it connects again, or has ended; null where nothing failed. */
  readonly error: DeputyError | null
}

/** Who is told of a subscription, as tRPC's clients have it. */
export interface LiveHandlers<TData> {
  /** Called with the answer as it is now, and after each change as it is then. The same one is not given twice. */
  readonly onData?: ((data: TData) => void) | undefined
  /** Called once, where the server refuses it for good. What passes is tried again, for as long as it takes. */
  readonly onError?: ((error: DeputyError) => void) | undefined
  /** Called when the server has accepted it, each time that it connects. */
  readonly onStarted?: ((started: object) => void) | undefined
  /** Called once, after `unsubscribe`. */
  readonly onStopped?: (() => void) | undefined
  /** Never called: a live query has no end of its own. */
  readonly onComplete?: (() => void) | undefined
  readonly onConnectionStateChange?: ((state: LiveState) => void) | undefined
  /** Ends it, as `unsubscribe` does. */
  readonly signal?: AbortSignal | undefined
}

/** A subscription that goes on until it is ended. */
export interface LiveSubscription {
  unsubscribe(): void
}
