/** Stands for whatever there may be. */
export const ANYTHING = '*'

/** Of a collection with more written records than this, the name alone is told. */
export const MAX_NOTICED_RECORDS = 10
/** What one call may add to an answer's headers. */
const MAX_NOTICE_CHARACTERS = 256

/**
 * Formats what a call wrote, by collection: `events/1 events/2 notes`, each part encoded as in an address. Where that is
 * too long the collections are named alone, and where there are too many of them it is `*`.
 */
export function formatNotice(written: ReadonlyMap<string, ReadonlySet<string>>): string {
  const names = [...written.keys()].map(encodeURIComponent)
  const whole = [...written].flatMap(([collection, ids]) => {
    const name = encodeURIComponent(collection)
    if (ids.size > MAX_NOTICED_RECORDS) return [name]
    return [...ids].map((id) => `${name}/${encodeURIComponent(id)}`)
  })
  // Sorted: the order in which the call wrote is nobody's business.
  const fitting = [whole, names].map((parts) => parts.sort().join(' ')).find(isShort)
  return fitting ?? ANYTHING
}

function isShort(notice: string): boolean {
  return notice.length <= MAX_NOTICE_CHARACTERS
}

/** Joins the notices of the calls of one request, by their positions: commas between them. Undefined without any. */
export function joinNotices(notices: ReadonlyMap<number, string>): string | undefined {
  if (notices.size === 0) return undefined
  const length = Math.max(...notices.keys()) + 1
  return Array.from({ length }, (_, position) => notices.get(position) ?? '').join(',')
}
