const WAIT_MS = 10_000

interface Waiter {
  readonly weight: number
  readonly resolve: (isIn: boolean) => void
  readonly timer: NodeJS.Timeout
}

/**
 * Bounds how many pages are made at once: until its text is written, a page is rows and records as well. Requests wait
 * for their slots in the order in which they came, and hold nothing meanwhile.
 */
export class PageSlots {
  readonly #slots: number
  readonly #waiting: Waiter[] = []
  #taken = 0

  constructor(slots: number) {
    this.#slots = slots
  }

  /**
   * Takes a slot for each page of a request, or all there are.
   *
   * @returns what gives them back, to be called once; undefined when they did not become free in 10 s.
   */
  async take(pages: number): Promise<(() => void) | undefined> {
    const weight = Math.min(pages, this.#slots)
    if (this.#waiting.length > 0 || this.#taken + weight > this.#slots) {
      if (!(await this.#wait(weight))) return undefined
    } else this.#taken += weight
    return () => this.#giveBack(weight)
  }

  #wait(weight: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(waiter), 1)
        resolve(false)
        this.#admit()
      }, WAIT_MS)
      const waiter: Waiter = { weight, resolve, timer }
      this.#waiting.push(waiter)
    })
  }

  #giveBack(weight: number): void {
    this.#taken -= weight
    this.#admit()
  }

  #admit(): void {
    for (
      let next = this.#waiting[0];
      next && this.#taken + next.weight <= this.#slots;
      next = this.#waiting[0]
    ) {
      this.#waiting.shift()
      clearTimeout(next.timer)
      this.#taken += next.weight
      next.resolve(true)
    }
  }
}
