import type { Pages } from './pages.ts'
import { Problem } from './problem.tsx'

interface MoreProps {
  readonly pages: Pages<unknown>
  /** What is said where there is nothing. */
  readonly empty: string
}

/** What stands below a list: that it is empty, what went wrong, a button for what follows. */
export function More({ pages, empty }: MoreProps) {
  const { entries, error, hasMore, isReadingMore, readMore } = pages
  return (
    <>
      {error && <Problem error={error} />}
      {!entries && !error && <p className="waiting">Reading…</p>}
      {entries?.length === 0 && <p>{empty}</p>}
      {hasMore && (
        <button type="button" disabled={isReadingMore} onClick={readMore}>
          {isReadingMore ? 'Reading…' : 'Show more'}
        </button>
      )}
    </>
  )
}
