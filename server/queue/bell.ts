/** Tells whoever sends messages that there are new ones. */
export class Bell {
  #listener: (() => void) | undefined

  ring(): void {
    this.#listener?.()
  }

  /** @returns a function that stops listening. */
  onRing(listener: () => void): () => void {
    this.#listener = listener
    return () => {
      this.#listener = undefined
    }
  }
}
