import type { ErrorCode } from './errors.ts'

export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue }

export type JsonObject = { readonly [key: string]: JsonValue }

/** What kind of thing is wrong: zod's own codes for what a schema refuses, and those of the engine's own checks. */
const ISSUE_CODES = [
  'invalid_type',
  'too_big',
  'too_small',
  'invalid_format',
  'not_multiple_of',
  'unrecognized_keys',
  'invalid_union',
  'invalid_key',
  'invalid_element',
  'invalid_value',
  'custom',
  /** What no schema may accept, such as NUL in text or too deep nesting. */
  'unacceptable',
  /** A field that a collection does not have, or not for this caller. `params.fields` are those there are. */
  'unknown_field',
  /** An argument that a verb of the data API refuses. */
  'invalid_argument',
] as const

export type IssueCode = (typeof ISSUE_CODES)[number]

/** One thing that is wrong with an input: where it is, and what would be right. */
export interface Issue {
  readonly path: readonly (string | number)[]
  /** A sentence for a person. */
  readonly message: string
  /** For programs. */
  readonly code: IssueCode
  /** What the message says, for a client that says it in another language: bounds, formats, names. Never what was sent. */
  readonly params: Readonly<Record<string, JsonValue>>
}

/** An issue as `fail` takes it: `custom`, and without params, unless it says so. */
export type IssueInfo = Pick<Issue, 'path' | 'message'> & Partial<Issue>

export interface Success<T> {
  readonly success: true
  readonly data: T
  readonly error?: never
}

export interface Failure {
  readonly success: false
  /** A sentence for a person: what was wrong and what would be right. */
  readonly error: string
  readonly code: ErrorCode
  readonly issues?: readonly Issue[]
  readonly details?: Readonly<Record<string, JsonValue>>
  readonly data?: never
}

/** What every action and every tool returns. Neither throws for a failure that can be expected. */
export type ActionResult<T> = Success<T> | Failure

export interface FailureInfo {
  readonly issues?: readonly IssueInfo[]
  readonly details?: Readonly<Record<string, JsonValue>>
}

/** Builds a success. */
export function ok<T>(data: T): Success<T> {
  return { success: true, data }
}

/** Builds a failure. Returned from an action, it rolls the action's writes back. */
export function fail(code: ErrorCode, error: string, { issues, ...info }: FailureInfo = {}): Failure {
  const failure: Failure = { success: false, error, code, ...info }
  return issues ? { ...failure, issues: completed(issues, 'custom') } : failure
}

/** Issues with a code and params each, where they say none themselves. */
export function completed(issues: readonly IssueInfo[], usual: IssueCode): readonly Issue[] {
  return issues.map(({ path, message, code = usual, params = {} }) => ({ path, message, code, params }))
}

/** A failure where only an exception can carry it: out of a gate, or out of a step. */
export class FailureError extends Error {
  override readonly name = 'FailureError'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.error)
    this.failure = failure
  }
}

/** What was thrown in place of failures that say nothing of it: these go to callers. */
const causes = new WeakMap<Failure, unknown>()

/** Keeps what was thrown beside the failure that stands for it, inside of the server. */
export function keepCause(failure: Failure, cause: unknown): void {
  causes.set(failure, cause)
}

/** Finds what was thrown. */
export function causeOf(failure: Failure): unknown {
  return causes.get(failure)
}
