import type { Deed, Doing } from './read.ts'

interface DeedButtonProps {
  readonly label: string
  /** What it is done to, for those who do not see the row. */
  readonly of: string
  readonly deed: Deed
  readonly doing: Doing
  /** Asked before what cannot be taken back. */
  readonly question?: string
}

/** A button of a row, which does one thing to it. */
export function DeedButton({ label, of, deed, doing, question }: DeedButtonProps) {
  return (
    <button
      type="button"
      className="quiet"
      aria-label={`${label} ${of}`}
      disabled={doing.isPending}
      onClick={() => {
        if (question === undefined || confirm(question)) doing.mutate(deed)
      }}
    >
      {label}
    </button>
  )
}
