/** Thrown when a turn did not come in time. */
export class TurnTimeout extends Error {
  override readonly name = 'TurnTimeout'
}

/** Turns that a call has taken. */
export interface HeldTurns {
  readonly keys: readonly string[]
  release(): void
}

/**
 * Queues by key, in this process. A call that had a conflict takes turns on the records that it writes, and other calls
 * that come to such a record wait behind it before they open a transaction.
 */
export class Turns {
  readonly #queues = new Map<string, (() => void)[]>()

  /** How many turns are taken, each on a key. */
  get held(): number {
    return this.#queues.size
  }

  /** How many wait for a turn. */
  get waiting(): number {
    let waiting = 0
    for (const queue of this.#queues.values()) waiting += queue.length
    return waiting
  }

  /** Whether a call has or waits for a turn on this key. */
  isTaken(key: string): boolean {
    return this.#queues.has(key)
  }

  /**
   * Waits for the turn on every key.
   *
   * @throws {TurnTimeout} after `timeoutMs`.
   */
  async take(keys: Iterable<string>, timeoutMs: number): Promise<HeldTurns> {
    const held: string[] = []
    const release = () => {
      for (const key of held.splice(0)) this.#next(key)
    }
    const endsAt = performance.now() + timeoutMs
    // All take several keys in the same order, so that no calls wait for each other.
    const wanted = [...new Set(keys)].sort()
    for (const key of wanted) {
      const come = await this.#turn(key, endsAt - performance.now())
      if (!come) {
        release()
        throw new TurnTimeout(`The turn did not come in ${timeoutMs} ms`)
      }
      held.push(key)
    }
    return { keys: wanted, release }
  }

  /** Resolves to true when it is this caller's turn, to false when it did not come in time. */
  #turn(key: string, timeoutMs: number): Promise<boolean> {
    const queue = this.#queues.get(key)
    if (!queue) {
      this.#queues.set(key, [])
      return Promise.resolve(true)
    }
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => {
          queue.splice(queue.indexOf(come), 1)
          resolve(false)
        },
        Math.max(0, timeoutMs),
      )
      const come = () => {
        clearTimeout(timer)
        resolve(true)
      }
      queue.push(come)
    })
  }

  #next(key: string): void {
    const queue = this.#queues.get(key)
    const come = queue?.shift()
    if (come) come()
    else this.#queues.delete(key)
  }
}
