import type { LiveGroup } from './groups.ts'
import type { LiveAnswer } from './live-query.ts'
import type { LiveStream } from './live-stream.ts'

export interface SendingsOptions {
  /** Ends the streams of those who may not read any more. @returns whether it could be found out */
  admits(streams: Iterable<LiveStream>): Promise<boolean>
  /** Told of a group that was sent nothing, since it could not be found out who may still read. */
  onUnknown(group: LiveGroup): void
}

interface Sending {
  readonly group: LiveGroup
  readonly stream: LiveStream
  readonly answer: LiveAnswer
}

/**
 * Sends answers to those who may still read, which is looked up after they were read: once for all that came while the
 * look before was on its way.
 */
export class Sendings {
  readonly #options: SendingsOptions
  #waiting: Sending[] = []
  #sending: Promise<void> | undefined

  constructor(options: SendingsOptions) {
    this.#options = options
  }

  /** Sends an answer to the streams of its group that do not have it and have taken the one before. */
  add(group: LiveGroup, answer: LiveAnswer): void {
    for (const stream of group.streams)
      if (stream.wants(answer)) this.#waiting.push({ group, stream, answer })
    if (this.#waiting.length > 0) this.#sending ??= this.#send()
  }

  /** Resolves when everything was sent that was added. */
  get sent(): Promise<void> {
    return this.#sending ?? Promise.resolve()
  }

  async #send(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const now = this.#waiting
        this.#waiting = []
        const isKnown = await this.#options.admits(now.map(({ stream }) => stream))
        for (const { group, stream, answer } of now)
          if (isKnown) stream.send(answer)
          else this.#options.onUnknown(group)
      }
    } finally {
      this.#sending = undefined
    }
  }
}
