import type { FailpointName } from '../../server/invocation/engine.ts'

/** What goes wrong in a call: at this point, the nth time that it comes there, its code throws or its server is gone. */
export interface Fault {
  readonly point: FailpointName
  readonly nth: number
  readonly how: 'throw' | 'crash'
}

/** What a caller sees. `nothing`: its server was gone; `error`: the sentence for what nobody expected. */
export type Seen = 'success' | 'unknown' | 'unavailable' | 'error' | 'nothing'

class FaultHit extends Error {}

/** What is true of one idempotency key, and what a call of it comes to. */
export class KeyModel {
  /** How many steps the action has. */
  readonly #steps: number
  isDone = false
  /** How many steps were answered, and whether one was sent after them that was not. */
  answered = 0
  isUnknown = false
  /** Whether another input is refused. */
  isHeld = false

  constructor(steps: number) {
    this.#steps = steps
  }

  /** Makes a call. */
  call(fault: Fault | undefined): Seen {
    let hits = 0
    const at = (point: FailpointName) => {
      if (fault?.point === point) hits += 1
      if (fault?.point === point && hits === fault.nth) throw new FaultHit()
    }
    let seen: Seen
    try {
      seen = this.#run(at)
    } catch (error) {
      if (!(error instanceof FaultHit) || fault?.how !== 'throw') return 'nothing'
      seen = fault.point.startsWith('after-step') ? 'unavailable' : 'error'
      // A key that has its answer gives it, whatever went wrong after that.
      if (this.isDone) seen = 'success'
      if (fault.point !== 'after-claim') this.#release()
    }
    try {
      at('before-respond')
    } catch {
      return fault?.how === 'throw' ? 'error' : 'nothing'
    }
    return seen
  }

  #run(at: (point: FailpointName) => void): Seen {
    if (this.isDone) return 'success'
    this.isHeld = true
    at('after-claim')
    while (!this.isUnknown && this.answered < this.#steps) {
      this.isUnknown = true
      at('after-step-sent')
      this.isUnknown = false
      this.answered += 1
      at('after-step-answered')
    }
    if (this.isUnknown) {
      this.#release()
      return 'unknown'
    }
    at('before-commit')
    this.isDone = true
    at('after-commit')
    return 'success'
  }

  /** A failure frees the key, unless something was done outside. */
  #release(): void {
    this.isHeld = this.isDone || this.isUnknown || this.answered > 0
  }
}
