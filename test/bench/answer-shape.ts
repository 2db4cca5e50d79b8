/** What an answer looks like: its keys and the types of its values, of an array those of the first one. */
export function answerShape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [answerShape(value[0]), `× ${value.length}`]
  if (typeof value !== 'object' || value === null) return value === null ? 'null' : typeof value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, each]) => [key, answerShape(each)]))
}
