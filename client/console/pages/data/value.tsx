import { useState } from 'react'
import { Instant } from '../../shell/instant.tsx'

const SHORT = 80
const LONG = 20_000

/** Writes a value as text. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

interface ValueProps {
  readonly value: unknown
  /** Whether the field holds instants, as its schema has it. @default false */
  readonly isInstant?: boolean
}

/** Shows a value in a few words, for a list. */
export function ShortValue({ value, isInstant }: ValueProps) {
  if (value === null || value === undefined) return <span className="empty">–</span>
  if (isInstant && typeof value === 'string') return <Instant at={new Date(value)} />
  const text = textOf(value)
  if (text.length <= SHORT) return <>{text}</>
  return (
    <>
      {text.slice(0, SHORT)}… <small>{text.length.toLocaleString()} characters</small>
    </>
  )
}

/** Shows a value as it is; a very long one when it is asked for. */
export function WholeValue({ value, isInstant }: ValueProps) {
  const [isWhole, setWhole] = useState(false)
  if (value === null || value === undefined) return <span className="empty">null</span>
  if (isInstant && typeof value === 'string') return <Instant at={new Date(value)} />
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2)
  if (text.length <= SHORT && !text.includes('\n')) return <>{text}</>
  const isCut = !isWhole && text.length > LONG
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <pre className="code" tabIndex={0}>
        {isCut ? text.slice(0, LONG) : text}
      </pre>
      {isCut && (
        <button type="button" className="quiet" onClick={() => setWhole(true)}>
          Show all {text.length.toLocaleString()} characters
        </button>
      )}
    </>
  )
}
