/** Wakes the dispatcher when there is new work. */
export class WakeSignal {
  #listener: (() => void) | undefined

  wake(): void {
    this.#listener?.()
  }

  /** @returns a function that stops listening. */
  onWake(listener: () => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = undefined
    }
  }
}
