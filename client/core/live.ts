// Imported when the first subscription begins: a bundle without any does not load it.

import type { DeputyError } from './error.ts'
import type { LiveState } from './live-types.ts'
import { pause } from './pause.ts'
import { type LiveRequest, type LiveSource, readOnce, told } from './read-live-stream.ts'

/** The first wait before it connects again is a random time up to this; the limit doubles with each failure. */
const BASE_DELAY_MS = 250
const MAX_DELAY_MS = 10_000
/** What is accepted and ended at once, again and again, is waited for as what is not accepted. */
const STEADY_AFTER_MS = 5_000
/**
 * Keeps a stream open until it is aborted or the server refuses it for good: whenever it ends or is cut, it is opened
 * again, with a fresh token, and goes on after the last answer that came.
 */
export async function keepOpen(source: LiveSource, request: LiveRequest): Promise<void> {
  const { handlers, signal } = request
  const tell = (state: LiveState['state'], error: DeputyError | null) =>
    told(() => handlers.onConnectionStateChange?.({ type: 'state', state, error }))
  let lastId: string | undefined
  let failures = 0
  let reason: DeputyError | null = null
  while (!signal.aborted) {
    tell('connecting', reason)
    let openedAtMs = Number.POSITIVE_INFINITY
    const outcome = await readOnce(source, request, lastId, () => {
      openedAtMs = Date.now()
      tell('pending', null)
      told(() => handlers.onStarted?.({}))
    })
    lastId = outcome.lastId
    if (Date.now() - openedAtMs >= STEADY_AFTER_MS) failures = 0
    if (signal.aborted) break
    if (outcome.isFinal) {
      tell('idle', outcome.error)
      told(() => handlers.onError?.(outcome.error))
      return
    }
    reason = outcome.error
    const limitMs = Math.min(MAX_DELAY_MS, BASE_DELAY_MS * 2 ** failures)
    failures += 1
    await pause(outcome.retryAfterMs + Math.random() * limitMs, signal)
  }
  tell('idle', null)
  told(() => handlers.onStopped?.())
}
