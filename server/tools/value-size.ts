import type { FieldSize } from '../../drizzle/engine/field-sizes.ts'
import { stringify } from '../wire/json.ts'

/** Says by how much a value is too large for its field; undefined when it fits, or has another type. */
export function sizeProblem(size: FieldSize, value: unknown): string | undefined {
  if (size.kind === 'json') {
    if (value === null || value === undefined) return undefined
    return characterProblem(stringify(value), size.maxCharacters, ' as JSON')
  }
  if (size.kind === 'text') {
    return typeof value === 'string' ? characterProblem(value, size.maxCharacters) : undefined
  }
  return Array.isArray(value) ? arrayProblem(size, value) : undefined
}

function arrayProblem(size: FieldSize, value: readonly unknown[]): string | undefined {
  const elements: unknown[] = value.flat(Number.POSITIVE_INFINITY)
  if (elements.length > size.maxElements)
    return `must have at most ${size.maxElements} elements; it has ${elements.length}`
  let total = 0
  for (const element of elements) {
    if (typeof element !== 'string') continue
    const problem = characterProblem(element, size.maxCharacters, ' in each element')
    if (problem) return problem
    total += charactersOf(element)
  }
  return total > size.maxTotalCharacters
    ? `must have at most ${size.maxTotalCharacters} characters in all its elements; it has ${total}`
    : undefined
}

function characterProblem(text: string, most: number, where = ''): string | undefined {
  // A character is one or two units of a string: only a length in between has to be counted.
  if (text.length <= most) return undefined
  const count = charactersOf(text)
  return count > most ? `must have at most ${most} characters${where}; it has ${count}` : undefined
}

/** Counts the code points of a well-formed text, as Postgres does. */
export function charactersOf(text: string): number {
  let count = 0
  for (const _ of text) count += 1
  return count
}
