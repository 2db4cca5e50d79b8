import type { Failure } from '../core/result.ts'
import type { Charge } from '../tools/tool-runtime.ts'

/** An outside step that a dry run came to and does not make. */
export interface Stop {
  readonly name: string
  /** Undefined for the function of a `once`. */
  readonly charge: Charge | undefined
}

/** Why a run was interrupted before its handler returned. */
export type Interruption =
  | { readonly kind: 'suspended' }
  | { readonly kind: 'conflict'; readonly error: unknown }
  | { readonly kind: 'deadline' }
  /** The invocation has lasted as long as one may. */
  | { readonly kind: 'lifetime' }
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'stopped'; readonly stop: Stop }

/** The state of a run, shared by its parts. */
export class RunState {
  /** The failure that has made the transaction useless, if any: every later tool returns it. */
  poison: Failure | undefined
  #phase: 'running' | 'suspending' | 'over' = 'running'
  #interruption: Interruption | undefined
  readonly #listeners: ((interruption: Interruption) => void)[] = []

  /** Resolves when the run is interrupted. */
  get interrupted(): Promise<Interruption> {
    return new Promise((resolve) => this.onInterrupt(resolve))
  }

  /** Calls back when the run is interrupted, at once if it was. */
  onInterrupt(listener: (interruption: Interruption) => void): void {
    if (this.#interruption) listener(this.#interruption)
    else this.#listeners.push(listener)
  }

  get isRunning(): boolean {
    return this.#phase === 'running'
  }

  /** Whether it is interrupted for steps, of which more may follow. */
  get isSuspending(): boolean {
    return this.#phase === 'suspending'
  }

  get isOver(): boolean {
    return this.#phase === 'over'
  }

  /** Interrupts the run; the first reason counts. */
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

/** Makes a promise that never settles. */
export function never<T>(): Promise<T> {
  return new Promise(() => {})
}

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
