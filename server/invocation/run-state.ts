import type { Failure } from '../core/result.ts'
import type { Charge } from '../tools/scope.ts'

/** An outside step that a dry run came to and does not make. */
export interface Stop {
  readonly name: string
  /** Undefined for the function of a `once`. */
  readonly charge: Charge | undefined
}

/** Why a run was given up before its handler came to an end. */
export type Interruption =
  | { readonly kind: 'suspended' }
  | { readonly kind: 'conflict'; readonly error: unknown }
  | { readonly kind: 'deadline' }
  /** The invocation has lasted as long as one may. */
  | { readonly kind: 'lifetime' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'stopped'; readonly stop: Stop }

/** How far a run of a handler has come, shared by those who act in it. */
export class RunState {
  /** The failure that has made the transaction useless, if any: what every later tool answers. */
  poison: Failure | undefined
  #phase: 'running' | 'suspending' | 'over' = 'running'
  #interruption: Interruption | undefined
  readonly #listeners: ((interruption: Interruption) => void)[] = []

  /** Resolves when the run is given up. */
  get interrupted(): Promise<Interruption> {
    return new Promise((resolve) => this.onInterrupt(resolve))
  }

  /** Calls back when the run is given up, at once if it was. */
  onInterrupt(listener: (interruption: Interruption) => void): void {
    if (this.#interruption) listener(this.#interruption)
    else this.#listeners.push(listener)
  }

  get isRunning(): boolean {
    return this.#phase === 'running'
  }

  /** Given up for steps, of which more may still be collected. */
  get isSuspending(): boolean {
    return this.#phase === 'suspending'
  }

  get isOver(): boolean {
    return this.#phase === 'over'
  }

  /** Gives the run up; the first reason counts. */
  interrupt(interruption: Interruption): void {
    if (!this.isRunning) return
    this.#phase = interruption.kind === 'suspended' ? 'suspending' : 'over'
    this.#interruption = interruption
    for (const listener of this.#listeners.splice(0)) listener(interruption)
  }

  end(): void {
    this.#phase = 'over'
  }
}

/** A promise that never settles, and that nothing keeps alive. */
export function never<T>(): Promise<T> {
  return new Promise(() => {})
}
