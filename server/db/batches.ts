import { AcquireTimeout } from './database.ts'
import type { Semaphore } from './semaphore.ts'

export interface BatchesOptions<Order, Answer> {
  /** Whose turn it is to send a statement; shared by all that change the same rows. */
  readonly turns: Semaphore
  /** Fulfils orders with one statement. @returns the answer of each; undefined for one that has to go alone. */
  together(orders: readonly Order[]): Promise<readonly (Answer | undefined)[]>
  /** Fulfils one order, whatever became of it among others. */
  alone(order: Order): Promise<Answer>
}

interface Waiting<Order, Answer> {
  readonly order: Order
  readonly resolve: (answer: Answer | PromiseLike<Answer>) => void
  readonly reject: (error: unknown) => void
}

/**
 * What a statement for several orders does first: from then on it waits this long for a row that another has
 * locked, and then fails, since those who do not need that row need not wait for it.
 */
export const LOCK_PATIENCE = `select set_config('lock_timeout', '250ms', true)`

/** A statement of more than these takes longer than the commits that it saves. */
const MAX_ORDERS = 64
/** No one waits longer than this for a statement of others: then all are sent. */
const MAX_TURN_MS = 500
/** As many as may wait for a connection. */
const MAX_WAITING = 1_000

/**
 * Orders that come while a statement is under way wait, and go together in the next one: one commit for all of them,
 * and no one queues up for the rows that they change. Each has its own answer, as if it had gone alone.
 */
export class Batches<Order, Answer> {
  readonly #options: BatchesOptions<Order, Answer>
  readonly #waiting: Waiting<Order, Answer>[] = []
  #isQueued = false

  constructor(options: BatchesOptions<Order, Answer>) {
    this.#options = options
  }

  /** @throws {AcquireTimeout} at once, where too many wait already; else what `alone` throws. */
  fulfil(order: Order): Promise<Answer> {
    if (this.#waiting.length >= MAX_WAITING)
      return Promise.reject(new AcquireTimeout(`${MAX_WAITING} calls wait for the same rows already`))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ order, resolve, reject })
      this.#queueUp()
    })
  }

  #queueUp(): void {
    if (this.#isQueued || this.#waiting.length === 0) return
    this.#isQueued = true
    void this.#options.turns.run(async () => {
      this.#isQueued = false
      const batch = this.#waiting.splice(0, MAX_ORDERS)
      if (batch.length === 0) return
      this.#queueUp()
      if (await isDoneInTime(this.#send(batch))) return
      while (this.#waiting.length > 0) void this.#send(this.#waiting.splice(0, MAX_ORDERS))
    })
  }

  /** Never throws. */
  async #send(batch: readonly Waiting<Order, Answer>[]): Promise<void> {
    const { together, alone } = this.#options
    try {
      const answers = await together(batch.map(({ order }) => order))
      for (const [nth, { order, resolve }] of batch.entries()) resolve(answers[nth] ?? alone(order))
    } catch (error) {
      // Nothing was sent, and alone no one would get a connection sooner.
      if (error instanceof AcquireTimeout) for (const { reject } of batch) reject(error)
      // What one of them cannot have must not keep it from the others.
      else for (const { order, resolve } of batch) resolve(alone(order))
    }
  }
}

async function isDoneInTime(work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, MAX_TURN_MS, false)
  })
  try {
    return await Promise.race([work.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
