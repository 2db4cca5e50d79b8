import type { LiveAnswer } from './live-query.ts'
import { LIVE_ENDS, type LiveEndReason, type LiveOutlet, type LiveStream } from './live-stream.ts'

/** Thrown to whoever iterates over a stream that the server has ended. */
class LiveStreamEnded extends Error {
  override readonly name = 'LiveStreamEnded'
  readonly reason: LiveEndReason

  constructor(reason: LiveEndReason) {
    super(LIVE_ENDS[reason])
    this.reason = reason
  }
}

/**
 * Gives the answers of a stream in process, the newest one each time, until the signal is aborted or the iteration ends.
 *
 * @throws {LiveStreamEnded} when the server ends the stream
 */
export async function* answersOf(stream: LiveStream, signal?: AbortSignal): AsyncGenerator<unknown, void> {
  const outlet = new NewestAnswer()
  const abort = () => outlet.stop()
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  try {
    stream.attach(outlet)
    for (;;) {
      const answer = await outlet.next()
      if (!answer) return
      yield answer.value
      stream.onReady()
    }
  } finally {
    signal?.removeEventListener('abort', abort)
    stream.close()
  }
}

/** Holds one answer until it is taken. */
class NewestAnswer implements LiveOutlet {
  #answer: LiveAnswer | undefined
  #ended: LiveEndReason | undefined
  #isStopped = false
  #wake: (() => void) | undefined

  get isReady(): boolean {
    return this.#answer === undefined
  }

  send(answer: LiveAnswer): void {
    this.#answer = answer
    this.#wake?.()
  }

  ping(): void {}

  end(reason: LiveEndReason): void {
    this.#ended = reason
    this.#wake?.()
  }

  stop(): void {
    this.#isStopped = true
    this.#wake?.()
  }

  /** @returns undefined once it was stopped */
  async next(): Promise<LiveAnswer | undefined> {
    while (!this.#answer && this.#ended === undefined && !this.#isStopped)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    if (this.#isStopped) return undefined
    if (this.#ended !== undefined) throw new LiveStreamEnded(this.#ended)
    const answer = this.#answer
    this.#answer = undefined
    return answer
  }
}
