/** A call that has failed, or a token that was refused. */
export interface FailedCall {
  /** Undefined for one without a token. */
  readonly userId: string | undefined
  /** Whose failures are counted together: `user ada`, `address 203.0.113.7`. */
  readonly caller: string
  readonly action: string
  readonly code: string
}

/** What was only counted of one caller's failures. */
export interface FailureCount {
  readonly userId: string | undefined
  readonly caller: string
  readonly action: string
  readonly code: string
  readonly calls: number
  /** Milliseconds from the first failure of the window to its end. */
  readonly windowMs: number
}

export interface FailureSamplesOptions {
  /** How many failures of one caller in a window are written whole. */
  readonly whole: number
  /** Milliseconds, on any clock. @default the process's */
  readonly nowMs?: () => number
  /** Hears what was only counted, once for each action and code, when a window ends. */
  readonly onCounted: (count: FailureCount) => void
}

interface FailureWindow {
  readonly userId: string | undefined
  readonly startedMs: number
  failures: number
  /** By action and code: how many are still written whole whatever came before, and how many were counted. */
  readonly kinds: Map<
    string,
    { readonly action: string; readonly code: string; left: number; counted: number }
  >
}

const WINDOW_MS = 60_000
/** Of the failures beyond those that are written whole, one of so many is. */
const ONE_IN = 100
/** How many of each action and code are written whole all the same: no noise hides what else a caller tries. */
const WHOLE_OF_EACH = 3
/** Of how many actions and codes that holds for one caller in a minute. */
const MAX_KINDS = 100
/** Of how many users, and of how many others, windows are open at once; beyond it the oldest of them ends early. */
const MAX_CALLERS = 5_000

/**
 * Decides which failures of a caller are written whole, so that no one fills a table or a log by failing: the first of
 * a minute, the first of each action and code, and then one of many. All others are counted, and none is lost.
 */
export class FailureSamples {
  readonly #options: FailureSamplesOptions
  /** In the order in which they began. Whoever has many addresses ends no window of a user. */
  readonly #users = new Map<string, FailureWindow>()
  readonly #strangers = new Map<string, FailureWindow>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: FailureSamplesOptions) {
    this.#options = options
  }

  /** Whether a failure is to be written whole; if not, it is counted. */
  isWhole(call: FailedCall): boolean {
    const { window, kind } = this.#find(call)
    window.failures += 1
    const beyond = window.failures - this.#options.whole
    const isFirst = kind.left > 0
    if (isFirst) kind.left -= 1
    if (isFirst || beyond <= 0 || beyond % ONE_IN === 0) return true
    kind.counted += 1
    return false
  }

  /** Counts a failure that is not to be written whole. */
  count(call: FailedCall): void {
    this.#find(call).kind.counted += 1
  }

  /** Ends all windows, so that nothing that was counted is lost. */
  endAll(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const windows of this.#both) for (const [caller] of windows) this.#end(windows, caller)
  }

  #find({ userId, caller, action, code }: FailedCall) {
    this.#endPast()
    const windows = userId === undefined ? this.#strangers : this.#users
    const window = windows.get(caller) ?? this.#begin(windows, caller, userId)
    const { kinds } = window
    const key = `${code} ${action}`
    const left = kinds.size < MAX_KINDS ? WHOLE_OF_EACH : 0
    const kind = kinds.get(key) ?? { action, code, left, counted: 0 }
    kinds.set(key, kind)
    return { window, kind }
  }

  get #both() {
    return [this.#users, this.#strangers]
  }

  #begin(windows: Map<string, FailureWindow>, caller: string, userId: string | undefined): FailureWindow {
    const [oldest] = windows.keys()
    if (oldest !== undefined && windows.size >= MAX_CALLERS) this.#end(windows, oldest)
    const window: FailureWindow = { userId, startedMs: this.#nowMs(), failures: 0, kinds: new Map() }
    windows.set(caller, window)
    this.#timer ??= setTimeout(() => this.#tick(), WINDOW_MS).unref()
    return window
  }

  #tick(): void {
    this.#timer = undefined
    this.#endPast()
    if (this.#both.some(({ size }) => size > 0))
      this.#timer = setTimeout(() => this.#tick(), WINDOW_MS).unref()
  }

  #endPast(): void {
    const endedMs = this.#nowMs() - WINDOW_MS
    for (const windows of this.#both) {
      for (const [caller, { startedMs }] of windows) {
        if (startedMs > endedMs) break
        this.#end(windows, caller)
      }
    }
  }

  #end(windows: Map<string, FailureWindow>, caller: string): void {
    const window = windows.get(caller)
    if (!window) return
    windows.delete(caller)
    const { userId, startedMs, kinds } = window
    const windowMs = Math.round(this.#nowMs() - startedMs)
    for (const { action, code, counted } of kinds.values())
      if (counted > 0) this.#options.onCounted({ userId, caller, action, code, calls: counted, windowMs })
  }

  #nowMs(): number {
    return this.#options.nowMs?.() ?? performance.now()
  }
}
