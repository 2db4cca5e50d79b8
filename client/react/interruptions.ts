/** For as long a stream may be opened again before anyone is told: one that ends with its token is back at once. */
const PATIENCE_MS = 2_000

/** Knows whether all streams are open that show something, or being opened for the first time. */
export class Interruptions {
  readonly #waiting = new Map<object, ReturnType<typeof setTimeout>>()
  readonly #interrupted = new Set<object>()
  readonly #listeners = new Set<() => void>()

  get areNone(): boolean {
    return this.#interrupted.size === 0
  }

  /** Calls back after each change. @returns a function that ends that */
  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Notes that a stream was lost, and is being opened again. */
  begin(stream: object): void {
    if (this.#waiting.has(stream) || this.#interrupted.has(stream)) return
    const note = () => {
      this.#waiting.delete(stream)
      this.#interrupted.add(stream)
      this.#tell()
    }
    this.#waiting.set(stream, setTimeout(note, PATIENCE_MS))
  }

  /** Notes that it is open, or not asked for any more. */
  end(stream: object): void {
    clearTimeout(this.#waiting.get(stream))
    this.#waiting.delete(stream)
    if (this.#interrupted.delete(stream)) this.#tell()
  }

  #tell(): void {
    for (const listener of this.#listeners) listener()
  }
}
