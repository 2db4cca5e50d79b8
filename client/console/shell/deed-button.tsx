interface DeedButtonProps {
  readonly label: string
  /** What it is done to, for those who do not see the row. */
  readonly of: string
  readonly isBusy: boolean
  readonly onPress: () => void
  /** Asked before what cannot be taken back. */
  readonly question?: string
}

/** A button of a row, which does one thing to it. */
export function DeedButton({ label, of, isBusy, onPress, question }: DeedButtonProps) {
  return (
    <button
      type="button"
      className="quiet"
      aria-label={`${label} ${of}`}
      disabled={isBusy}
      onClick={() => {
        if (question === undefined || confirm(question)) onPress()
      }}
    >
      {label}
    </button>
  )
}
