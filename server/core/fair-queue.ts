/** Items that wait, by who they belong to. Holders take turns; each has their own items served in order. */
export class FairQueue<T> {
  /** In the order of their turns. A Map keeps what is set again where it was: whoever had a turn is set anew. */
  readonly #queues = new Map<string, T[]>()
  #size = 0

  /** How many items wait. */
  get size(): number {
    return this.#size
  }

  /** How many items of one holder wait. */
  sizeOf(holder: string): number {
    return this.#queues.get(holder)?.length ?? 0
  }

  push(holder: string, item: T): void {
    const queue = this.#queues.get(holder)
    if (queue) queue.push(item)
    else this.#queues.set(holder, [item])
    this.#size += 1
  }

  /** Takes the oldest item of the holder whose turn it is, of those who may go; undefined when none may. */
  shift(mayGo: (holder: string) => boolean): T | undefined {
    for (const [holder, queue] of this.#queues) {
      if (!mayGo(holder)) continue
      const item = queue.shift()
      this.#queues.delete(holder)
      if (queue.length > 0) this.#queues.set(holder, queue)
      this.#size -= 1
      return item
    }
    return undefined
  }

  /** Takes an item out of the queue, wherever it stands. */
  remove(holder: string, item: T): void {
    const queue = this.#queues.get(holder)
    const at = queue?.indexOf(item) ?? -1
    if (!queue || at < 0) return
    queue.splice(at, 1)
    this.#size -= 1
    if (queue.length === 0) this.#queues.delete(holder)
  }

  /** Takes the newest item of the holder who has the most, where those are more than `most`. */
  popLongest(most: number): T | undefined {
    let longest: [holder: string, queue: T[]] | undefined
    for (const entry of this.#queues) {
      if (entry[1].length > (longest?.[1].length ?? most)) longest = entry
    }
    if (!longest) return undefined
    const [holder, queue] = longest
    const item = queue.pop()
    this.#size -= 1
    if (queue.length === 0) this.#queues.delete(holder)
    return item
  }
}
