import type { MutationCache } from '@tanstack/react-query'
import type { ErrorCode } from '../../server/core/errors.ts'
import { DeputyError } from '../core/error.ts'
import { freshKey } from '../core/idempotency-key.ts'
import { mutationKeyOf, type Procedure, wireOf } from './keys.ts'

/** What may come of a call that is none of these is known: it was done, or it was refused. */
const UNKNOWN: readonly (ErrorCode | undefined)[] = [
  undefined,
  'BAD_GATEWAY',
  'SERVICE_UNAVAILABLE',
  'GATEWAY_TIMEOUT',
  'INTERNAL_SERVER_ERROR',
]
/** Forgets the oldest key of what has ended without an answer. */
const MAX_UNANSWERED = 100

interface Submission {
  readonly key: string
  /** The request that is under way. */
  running: Promise<unknown> | undefined
  isUnanswered: boolean
}

/**
 * Knows what is one submission: all that is done to get one input of one mutation through. Its retries, those after a
 * pause offline, and a second click while it runs, have the same idempotency key; a second click sends nothing. It ends
 * with its answer. One that ends without an answer keeps its key for when the same is submitted again.
 */
export class Submissions {
  readonly #cache: MutationCache
  readonly #submissions = new Map<string, Submission>()

  constructor(cache: MutationCache) {
    this.#cache = cache
  }

  /**
   * Sends an input with the key of its submission, or joins the request of it that is under way.
   *
   * @throws what `send` throws, and a DeputyError where this runtime can make no key.
   */
  async submit<T>(procedure: Procedure, input: unknown, send: (key: string) => Promise<T>): Promise<T> {
    const id = submissionId(procedure, input)
    const submission = this.#submissions.get(id) ?? { key: newKey(), running: undefined, isUnanswered: false }
    this.#submissions.set(id, submission)
    submission.running ??= this.#send(procedure, id, submission, send)
    return submission.running as Promise<T> // What the same procedure answers.
  }

  /** Ends the submission of a mutation that has settled, unless another one is the same. */
  settle(procedure: Procedure, input: unknown): void {
    const id = submissionId(procedure, input)
    const submission = this.#submissions.get(id)
    if (!submission || submission.running || this.#isPending(procedure, id)) return
    if (!submission.isUnanswered) this.#submissions.delete(id)
    const unanswered = [...this.#submissions].filter(([, each]) => !each.running && each.isUnanswered)
    for (const [old] of unanswered.slice(0, -MAX_UNANSWERED)) this.#submissions.delete(old)
  }

  async #send<T>(
    procedure: Procedure,
    id: string,
    submission: Submission,
    send: (key: string) => Promise<T>,
  ): Promise<T> {
    try {
      const answer = await send(submission.key)
      submission.isUnanswered = isUnanswered(answer)
      return answer
    } catch (error) {
      submission.isUnanswered = isUnknown(error)
      throw error
    } finally {
      submission.running = undefined
      if (!this.#isPending(procedure, id) && !submission.isUnanswered) this.#submissions.delete(id)
    }
  }

  #isPending(procedure: Procedure, id: string): boolean {
    const mutationKey = mutationKeyOf(procedure)
    return this.#cache
      .findAll({ mutationKey, exact: true, status: 'pending' })
      .some(({ state }) => submissionId(procedure, state.variables) === id)
  }
}

/** Names a submission: the same for equal inputs. */
export function submissionId({ name, path }: Procedure, input: unknown): string {
  return JSON.stringify([name, path, wireOf(input)], (_key, value: unknown) =>
    isPlainObject(value) ? Object.fromEntries(Object.entries(value).sort(byName)) : value,
  )
}

/** Whether no one knows what came of a call that has failed so. */
export function isUnknown(error: unknown): boolean {
  return error instanceof DeputyError && UNKNOWN.includes(error.code)
}

function isUnanswered(answer: unknown): boolean {
  return isPlainObject(answer) && answer.success === false && UNKNOWN.includes(answer.code as ErrorCode)
}

function newKey(): string {
  const key = freshKey()
  if (typeof key === 'string') return key
  throw key
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function byName([one]: [string, unknown], [other]: [string, unknown]): number {
  return one < other ? -1 : 1
}
