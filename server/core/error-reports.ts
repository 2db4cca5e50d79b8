import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { withoutValues } from './without-values.ts'

/** Where an unexpected error has come from. It holds no token, no input and nothing of a record. */
export interface ErrorContext {
  /** `call`: an action or a procedure; `job`: one that was given up; `route`: the app's own; `server`: the engine itself. */
  readonly kind: 'call' | 'job' | 'route' | 'schedule' | 'server'
  readonly requestId?: string | undefined
  readonly invocationId?: string | undefined
  /** The name of the action, or the path of a procedure. */
  readonly action?: string | undefined
  readonly source?: string | undefined
  readonly transport?: string | undefined
  /** Who called: never which user. */
  readonly actor?: 'user' | 'anonymous' | undefined
  readonly attempt?: number | undefined
  readonly jobId?: string | undefined
  /** As the app has declared it: `/hooks/:provider`. */
  readonly route?: string | undefined
  readonly traceId?: string | undefined
}

/** Told of each unexpected error, once. */
export type ErrorHook = (error: Error, context: ErrorContext) => void | Promise<void>

/** More than these are not waited for; each may hold a request to another server. */
const MAX_PENDING = 1_000

/** Tells an app's hook of unexpected errors. Whatever the hook does, no call fails or waits by it. */
export class ErrorReports {
  readonly #hook: ErrorHook | undefined
  readonly #log: Logger
  readonly #pending = new Set<Promise<void>>()
  /** What was thrown, whatever of it was told. */
  readonly #told = new WeakSet<object>()

  constructor(hook: ErrorHook | undefined, log: Logger) {
    this.#hook = hook
    this.#log = log
  }

  /** Never throws. An error that was told already is not told again. */
  report(thrown: unknown, context: ErrorContext): void {
    const hook = this.#hook
    if (!hook) return
    if (typeof thrown === 'object' && thrown !== null) {
      if (this.#told.has(thrown)) return
      this.#told.add(thrown)
    }
    if (this.#pending.size >= MAX_PENDING) {
      this.#note(
        'warn',
        { pending: MAX_PENDING },
        'onError does not come to an end; an error was not told to it',
      )
      return
    }
    const told = this.#tell(hook, readable(thrown), context).finally(() => this.#pending.delete(told))
    this.#pending.add(told)
  }

  async #tell(hook: ErrorHook, error: Error, context: ErrorContext): Promise<void> {
    try {
      await hook(error, context)
    } catch (failure) {
      this.#note('error', { err: failure }, 'onError has thrown')
    }
  }

  #note(level: 'warn' | 'error', fields: object, text: string): void {
    try {
      this.#log[level](fields, text)
    } catch {
      // What a hook has thrown may throw when it is read.
    }
  }

  /** Waits for hooks that are at work, and no longer than `graceMs`. */
  async settle(graceMs: number): Promise<void> {
    if (this.#pending.size === 0) return
    await Promise.race([Promise.allSettled([...this.#pending]), sleep(graceMs, undefined, { ref: false })])
  }
}

/** What is told of what was thrown, which may throw when it is read. */
function readable(thrown: unknown): Error {
  try {
    return withoutValues(thrown)
  } catch {
    return new Error('Something was thrown that cannot be read')
  }
}
