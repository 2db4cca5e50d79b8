import { type Failure, fail, type Issue } from '../core/result.ts'
import { sentence, shortened } from '../wire/issues.ts'
import type { CatalogEntry } from './catalog.ts'

const MAX_ISSUES = 20

/** Collects what is wrong with an argument, so that a caller is told everything at once. */
export class Problems {
  readonly #issues: Issue[] = []

  get count(): number {
    return this.#issues.length
  }

  /** True when there is no point in looking further. */
  get isFull(): boolean {
    return this.#issues.length >= MAX_ISSUES
  }

  /** Returns undefined, so that a compiling function can report and give up in one line. */
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

/** A name from outside, fit for a message: short and on one line. */
export function quote(text: string): string {
  return JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text)
}
