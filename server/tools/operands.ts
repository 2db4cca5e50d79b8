import type { Problems } from './problems.ts'
import { charactersOf } from './sizes.ts'

const MAX_PATTERN_CHARACTERS = 100
const MAX_PATTERNS = 5
/** The longest list, and a value for each of the other conditions. */
const MAX_VALUES = 1_100
const MAX_CHARACTERS = 100_000

/**
 * Counts the values that one `where` compares with, because each row is compared with all of them. Reports each refusal
 * once.
 */
export class Operands {
  readonly #problems: Problems
  #patterns = 0
  #values = 0
  #characters = 0

  constructor(problems: Problems) {
    this.#problems = problems
  }

  /** Counts the text of a `contains` or `startsWith`; false when it is refused. */
  takePattern(pattern: string, path: readonly (string | number)[]): boolean {
    const characters = charactersOf(pattern)
    if (characters > MAX_PATTERN_CHARACTERS) {
      this.#problems.add(path, `must have at most ${MAX_PATTERN_CHARACTERS} characters; it has ${characters}`)
      return false
    }
    this.#patterns += 1
    return this.#within(this.#patterns, MAX_PATTERNS, 1, 'conditions with contains and startsWith')
  }

  /** Counts values that a field is compared with; false when they are refused. */
  take(values: readonly unknown[]): boolean {
    const characters = values.reduce<number>(
      (sum, value) => sum + (typeof value === 'string' ? value.length : 0),
      0,
    )
    this.#values += values.length
    this.#characters += characters
    return (
      this.#within(this.#values, MAX_VALUES, values.length, 'values to compare with') &&
      this.#within(this.#characters, MAX_CHARACTERS, characters, 'characters in the values to compare with')
    )
  }

  /** Checks the limit, and reports only the value that passes it. */
  #within(count: number, most: number, added: number, what: string): boolean {
    if (count <= most) return true
    if (count - added <= most) this.#problems.add(['where'], `has more than ${most} ${what}`)
    return false
  }
}
