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
    clearTimeout(this.#timer)
  }

  resume(): void {
    this.#pauses -= 1
    if (this.#pauses > 0 || !this.#onExpire) return
    this.#startedAt = performance.now()
    this.#timer = setTimeout(this.#onExpire, this.remainingMs)
  }

  /** Stops for good. */
  stop(): void {
    this.pause()
    this.#onExpire = undefined
  }
}
