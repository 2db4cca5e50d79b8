import { setTimeout as sleep } from 'node:timers/promises'
import { type ReadStream, readStream, type Shown } from './read-stream.ts'

/** Follows a live query as a client does: whenever its stream ends it opens another, after the answer that it has. */
export class Follower {
  /** The newest answer. */
  shown: Shown | undefined
  /** The status that it was refused with last; undefined while its stream is open. */
  refused: number | undefined
  readonly #open: (lastId: string | undefined) => Promise<ReadStream>
  #stream: ReadStream | undefined
  #lastId: string | undefined
  #isStopped = false

  /** @param onShown is told of each answer, in order */
  constructor(
    addressOf: () => string,
    token: string | undefined,
    onShown: (shown: Shown) => void = () => {},
  ) {
    const onAnswer = (answer: Shown) => {
      this.shown = answer
      onShown(answer)
    }
    this.#open = (lastId) => readStream(addressOf(), { token, lastId, onAnswer })
    void this.#follow()
  }

  stop(): void {
    this.#isStopped = true
    this.#stream?.close()
  }

  async #follow(): Promise<void> {
    while (!this.#isStopped) {
      const stream = await this.#open(this.#lastId).catch(() => undefined)
      this.#stream = stream
      if (this.#isStopped) stream?.close()
      if (stream?.status === 200) await this.#read(stream)
      else {
        this.refused = stream?.status
        stream?.close()
        await sleep(200)
      }
    }
  }

  async #read(stream: ReadStream): Promise<void> {
    this.refused = undefined
    while (!this.#isStopped) {
      // What has come before it was closed counts.
      const { isClosed } = stream
      this.#lastId = stream.lastId ?? this.#lastId
      if (isClosed) return
      await sleep(20)
    }
  }
}
