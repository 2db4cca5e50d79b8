import { type Failure, fail, type Issue } from '../core/result.ts'
import { sentence, shortened } from '../wire/issues.ts'
import type { CatalogEntry } from './catalog.ts'

const MAX_ISSUES = 20

/** Collects the problems of an argument, so that the failure names all of them. */
export class Problems {
  readonly #issues: Issue[] = []

  get count(): number {
    return this.#issues.length
  }

  /** Whether the failure holds no more problems. */
  get isFull(): boolean {
    return this.#issues.length >= MAX_ISSUES
  }

  /** Adds a problem. Returns undefined, so that a function can report it and return in one line. */
  add(
    path: readonly (string | number)[],
    message: string,
    { code = 'invalid_argument', params = {} }: Partial<Pick<Issue, 'code' | 'params'>> = {},
  ): undefined {
    if (!this.isFull) this.#issues.push({ path: path.map(shortened), message, code, params })
    return undefined
  }

  unknownField(entry: CatalogEntry, field: string, path: readonly (string | number)[]): undefined {
    return this.add(
      path,
      `Unknown field ${quote(field)} of ${quote(entry.name)}; fields are ${entry.fields.join(', ')}`,
      { code: 'unknown_field', params: { fields: [...entry.fields] } },
    )
  }

  /** The failure to return, or undefined when nothing was wrong. */
  failure(): Failure | undefined {
    const [first] = this.#issues
    if (!first) return undefined
    return fail('BAD_REQUEST', sentence(first), { issues: this.#issues })
  }
}

/** Quotes a name from outside for a message: short and on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text)
}

const MAX_LENGTH = 255

/** Checks a record id: any text of 1…255 characters without controls, because ids of users come from their tokens. */
export function checkRecordId(recordId: unknown, problems: Problems): recordId is string {
  if (
    typeof recordId === 'string' &&
    recordId.length >= 1 &&
    recordId.length <= MAX_LENGTH &&
    recordId.isWellFormed() &&
    !/\p{Cc}/u.test(recordId)
  ) {
    return true
  }
  problems.add(['recordId'], `must be a string of 1 to ${MAX_LENGTH} characters without control characters`)
  return false
}

export function notFound(entry: CatalogEntry, recordId: string): Failure {
  return fail('NOT_FOUND', `${quote(entry.name)} has no record ${quote(recordId)}.`)
}

export function noSuchCollection(collection: unknown): Failure {
  return fail(
    'NOT_FOUND',
    `There is no collection ${quote(typeof collection === 'string' ? collection : typeof collection)}.`,
  )
}
