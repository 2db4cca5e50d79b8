/** A longer name is no slip of the keyboard, and would take long to compare. */
const MAX_LENGTH = 64
/** One mistake in so many characters, at most three. */
const CHARACTERS_PER_MISTAKE = 3
const MAX_MISTAKES = 3

/**
 * Finds the name that was probably meant: the one that differs least, by characters that are missing, too many, wrong or
 * in the place of their neighbour, whatever their case. Undefined where none is near.
 */
export function nearestName(name: string, known: Iterable<string>): string | undefined {
  if (name.length > MAX_LENGTH) return undefined
  let least = Math.min(MAX_MISTAKES, Math.floor(name.length / CHARACTERS_PER_MISTAKE))
  let nearest: string | undefined
  for (const candidate of known) {
    if (Math.abs(candidate.length - name.length) > least) continue
    const mistakes = distance(name.toLowerCase(), candidate.toLowerCase())
    if (mistakes > least || (mistakes === least && nearest !== undefined)) continue
    least = mistakes
    nearest = candidate
  }
  return nearest
}

/** Counts mistakes (the optimal string alignment of Damerau and Levenshtein). */
function distance(left: string, right: string): number {
  let before: number[] = []
  let above = Array.from({ length: right.length + 1 }, (_, column) => column)
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row]
    for (let column = 1; column <= right.length; column += 1) {
      const isSame = left[row - 1] === right[column - 1]
      const isSwapped = left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
      current[column] = Math.min(
        at(above, column) + 1,
        at(current, column - 1) + 1,
        at(above, column - 1) + (isSame ? 0 : 1),
        isSwapped ? at(before, column - 2) + 1 : Number.POSITIVE_INFINITY,
      )
    }
    before = above
    above = current
  }
  return at(above, right.length)
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY
}
