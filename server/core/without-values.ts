const MAX_DEPTH = 10
const MAX_VISITED = 1_000
const MAX_ERRORS = 100
/** How Drizzle's messages begin, which go on with the statement and its values. */
const QUOTE = 'Failed query: '
const NOT_SHOWN = 'A statement failed'

/**
 * The error that was thrown, where nothing that it holds quotes a statement with its values, as Drizzle's errors do.
 * Else, and where it holds more than can be looked through, a copy without them: what it says, its stack, its code, its
 * causes and its errors. What else is thrown than an error becomes one.
 */
export function withoutValues(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return errorOf(thrown)
  return mayHoldValues(thrown) ? copyOf(thrown, { copies: new Map(), depth: 0 }) : thrown
}

function errorOf(thrown: unknown): Error {
  return new Error(typeof thrown === 'string' ? withoutQuote(thrown) : `Thrown: ${typeof thrown}`)
}

function isQuoting(error: Error): boolean {
  // What was thrown may have any prototype, or none.
  const made = error as { readonly constructor?: { readonly name?: unknown } | undefined }
  return error.name === 'DrizzleQueryError' || made.constructor?.name === 'DrizzleQueryError'
}

function withoutQuote(text: string): string {
  const start = text.indexOf(QUOTE)
  return start < 0 ? text : `${text.slice(0, start)}${NOT_SHOWN}`
}

/** Looks through all that an error holds, without calling anything of it. */
function mayHoldValues(error: Error): boolean {
  const seen = new Set<unknown>()
  let level: unknown[] = [error]
  while (level.length > 0) {
    const next: unknown[] = []
    for (const value of level) {
      if (typeof value === 'string' && value.includes(QUOTE)) return true
      if (typeof value !== 'object' || value === null || seen.has(value)) continue
      if (value instanceof Error && (isQuoting(value) || String(value.stack).includes(QUOTE))) return true
      if (seen.add(value).size > MAX_VISITED) return true
      if (!ArrayBuffer.isView(value)) next.push(...heldBy(value))
      if (next.length > MAX_VISITED) return true
    }
    level = next
  }
  return false
}

function heldBy(value: object): readonly unknown[] {
  const held = Reflect.ownKeys(value).map((key) => Reflect.getOwnPropertyDescriptor(value, key)?.value)
  if (value instanceof Map) return [...held, ...value.keys(), ...value.values()]
  return value instanceof Set ? [...held, ...value] : held
}

interface Copying {
  /** Those that were made: errors may hold each other in a circle. */
  readonly copies: Map<Error, Error>
  readonly depth: number
}

function copyOf(thrown: Error, { copies, depth }: Copying): Error {
  const error = behindQuotes(thrown)
  const before = error && copies.get(error)
  if (before) return before
  if (!error || depth > MAX_DEPTH || copies.size > MAX_VISITED) return new Error(NOT_SHOWN)
  const message = withoutQuote(String(error.message))
  const errors: unknown = 'errors' in error ? error.errors : undefined
  const copy = Array.isArray(errors) ? new AggregateError([], message) : new Error(message)
  copies.set(error, copy)
  const held = (value: unknown) =>
    value instanceof Error ? copyOf(value, { copies, depth: depth + 1 }) : errorOf(value)
  copy.name = withoutQuote(String(error.name))
  copy.stack = withoutQuote(String(error.stack).replace(String(error.message), () => message))
  if ('code' in error && typeof error.code === 'string')
    Object.assign(copy, { code: withoutQuote(error.code) })
  if (error.cause !== undefined) copy.cause = held(error.cause)
  if (copy instanceof AggregateError && Array.isArray(errors))
    copy.errors = errors.slice(0, MAX_ERRORS).map(held)
  return copy
}

/** The first error of its causes that quotes nothing. */
function behindQuotes(thrown: Error): Error | undefined {
  let error: unknown = thrown
  for (let depth = 0; depth < MAX_DEPTH && error instanceof Error; depth += 1) {
    if (!isQuoting(error)) return error
    error = error.cause
  }
  return undefined
}
