interface ChoiceProps {
  readonly label: string
  readonly choices: readonly string[]
  /** Empty for all. */
  readonly chosen: string
  /** What stands for all of them. @default one of them is always chosen */
  readonly all?: string
  /** The address that shows a choice. */
  readonly addressOf: (choice: string) => string
}

/** Chooses what of a list is shown: each choice has an address. */
export function Choice({ label, choices, chosen, all, addressOf }: ChoiceProps) {
  return (
    <label className="filter">
      {label}{' '}
      <select
        value={chosen}
        onChange={({ target }) => {
          location.hash = addressOf(target.value)
        }}
      >
        {all !== undefined && <option value="">{all}</option>}
        {choices.map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    </label>
  )
}
