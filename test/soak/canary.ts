import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Target } from './target.ts'

const TIMEOUT_MS = 20_000
const PAUSE_MS = 50
const MAX_PROBLEMS = 20

export interface CanaryReport {
  readonly answered: number
  /** How many of its calls were 503. */
  readonly refused: number
  readonly slowestMs: number
  readonly problems: readonly string[]
}

/** A well-behaved client: makes small calls, one at a time, and checks that each is answered, and right. */
export class Canary {
  readonly #target: Target
  #answered = 0
  #refused = 0
  #slowestMs = 0
  readonly #problems: string[] = []

  constructor(target: Target) {
    this.#target = target
  }

  get report(): CanaryReport {
    return {
      answered: this.#answered,
      refused: this.#refused,
      slowestMs: Math.round(this.#slowestMs),
      problems: this.#problems,
    }
  }

  /** Calls until it is told to stop, or the server is dead. */
  async run(until: AbortSignal): Promise<void> {
    while (!until.aborted && this.#target.isAlive() && this.#problems.length < MAX_PROBLEMS) {
      await this.callOnce()
      await sleep(PAUSE_MS, undefined, { signal: until }).catch(() => undefined)
    }
  }

  /** Creates a record and reads it again; true when both were answered with 200. */
  async callOnce(): Promise<boolean> {
    const title = `canary ${randomUUID()}`
    const startsAt = '2030-01-01T18:00:00.000Z'
    const body = JSON.stringify({ title, startsAt, capacity: 7 })
    const created = await this.#call('/api/actions/createEvent', { method: 'POST', body })
    if (!created) return false
    const id = /"recordId":"([\w-]+)"/.exec(created)?.[1]
    if (id === undefined) return this.#wrong(`createEvent answered ${created.slice(0, 200)}`)
    const read = await this.#call(`/api/records/events/${id}`, { method: 'GET' })
    if (!read) return false
    return (
      read.includes(JSON.stringify(title)) || this.#wrong(`the record read back is ${read.slice(0, 200)}`)
    )
  }

  /** The text of a 200; undefined for anything else, which is a problem unless it is a proper 503. */
  async #call(path: string, init: RequestInit): Promise<string | undefined> {
    const beganAt = performance.now()
    const headers = { authorization: `Bearer ${this.#target.token}`, 'content-type': 'application/json' }
    try {
      const signal = AbortSignal.timeout(TIMEOUT_MS)
      const response = await fetch(this.#target.url + path, { ...init, headers, signal })
      const text = await response.text()
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - beganAt)
      if (response.status === 200) {
        this.#answered += 1
        return text
      }
      const isProper = response.status === 503 && response.headers.has('retry-after')
      if (isProper) this.#refused += 1
      else this.#wrong(`${path} answered ${response.status}: ${text.slice(0, 200)}`)
    } catch (error) {
      this.#wrong(`${path} was not answered: ${reasonOf(error)}`)
    }
    return undefined
  }

  #wrong(problem: string): false {
    this.#problems.push(problem)
    return false
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
