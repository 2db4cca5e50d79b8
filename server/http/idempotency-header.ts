/** Reads `Idempotency-Key` for the calls of one request: a slot per call, in order, empty for none. */
export function readIdempotencyKeys(header: string | undefined): readonly (string | undefined)[] {
  if (header === undefined) return []
  return header.split(',').map((slot) => {
    const key = slot.trim()
    return key === '' ? undefined : key
  })
}

/** Marks an answer over REST that was given before. */
export function withReplayed<T extends { readonly headers: Record<string, string> }>(
  answer: T,
  { replayed }: { readonly replayed: ReadonlySet<number> },
): T {
  if (replayed.size > 0) answer.headers['idempotency-replayed'] = 'true'
  return answer
}

/** Writes `Idempotency-Replayed` for the calls of one request; undefined when none of them had a key. */
export function replayedHeader(
  keys: readonly (string | undefined)[],
  replayed: ReadonlySet<number>,
): string | undefined {
  if (keys.every((key) => key === undefined)) return undefined
  return keys.map((_key, position) => String(replayed.has(position))).join(',')
}
