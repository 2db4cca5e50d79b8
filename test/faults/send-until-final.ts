import { setTimeout as sleep } from 'node:timers/promises'
import type { Answer } from '../http/send.ts'
import { type Call, saysThatOutcomeIsUnknown, send } from './call.ts'

/** Between two sendings of a call; a client would wait as long as `Retry-After` says. */
const PAUSE_MS = 50

export interface SendOptions {
  /** Where to send it this time. */
  readonly url: () => string
  /** Gives the call up. */
  readonly signal: AbortSignal
  /** Told of every answer that is not final; undefined when none came. */
  readonly onObstacle?: (answer: Answer | undefined) => unknown
}

/** Sends a call until its answer is final, as a client with patience would. @throws when it is given up. */
export async function sendUntilFinal(call: Call, options: SendOptions): Promise<Answer> {
  for (;;) {
    options.signal.throwIfAborted()
    const answer = await send(options.url(), call).catch(() => undefined)
    if (answer && isFinal(answer)) return answer
    await options.onObstacle?.(answer)
    await sleep(PAUSE_MS)
  }
}

/** Whether the same call would be answered the same again. */
function isFinal({ status, text }: Answer): boolean {
  if (status === 409) return !text.includes('still running')
  // Too many of a caller at once, or within their time.
  if (status === 429) return false
  return status < 500 || saysThatOutcomeIsUnknown({ status, text })
}
