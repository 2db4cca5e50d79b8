/** Counts down while it runs; several holders may pause it at once, and it runs again when all have resumed. */
export class Stopwatch {
  #remainingMs: number
  #startedAt: number | undefined
  #timer: NodeJS.Timeout | undefined
  #pauses = 1
  #onExpire: (() => void) | undefined

  /** It starts paused. */
  constructor(limitMs: number) {
    this.#remainingMs = limitMs
  }

  get remainingMs(): number {
    const running = this.#startedAt === undefined ? 0 : performance.now() - this.#startedAt
    return Math.max(0, this.#remainingMs - running)
  }

  /** Runs; `onExpire` is called when the time is over while it runs. */
  start(onExpire: () => void): void {
    this.#onExpire = onExpire
    this.resume()
  }

  pause(): void {
    this.#pauses += 1
    if (this.#startedAt === undefined) return
    this.#remainingMs = this.remainingMs
    this.#startedAt = undefined
  }

  resume(): void {
    this.#pauses -= 1
    if (this.#pauses > 0 || !this.#onExpire) return
    this.#startedAt = performance.now()
    this.#timer ??= this.#setTimer()
  }

  /** Stops for good. */
  stop(): void {
    this.pause()
    this.#onExpire = undefined
    clearTimeout(this.#timer)
  }

  /** A pause leaves it as it is, since most are shorter than it takes to set another: it may come too early. */
  #setTimer(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#timer = undefined
      if (this.#startedAt === undefined) return
      if (this.remainingMs > 0) this.#timer = this.#setTimer()
      else this.#onExpire?.()
    }, this.remainingMs)
  }
}
