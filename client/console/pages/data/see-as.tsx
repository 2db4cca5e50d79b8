interface SeeAsProps {
  /** Empty for no one. */
  readonly user: string
  /** The address that marks what a user sees. */
  readonly addressOf: (user: string) => string
}

/** Chooses the user whose view is marked. */
export function SeeAs({ user, addressOf }: SeeAsProps) {
  return (
    <form
      key={user}
      className="filters"
      aria-label="Whose view is marked"
      onSubmit={(event) => {
        event.preventDefault()
        const chosen = new FormData(event.currentTarget).get('as')
        location.hash = addressOf(String(chosen ?? '').trim())
      }}
    >
      <label>
        See as <small>a user’s id: what is hidden from them is marked</small>
        <input name="as" defaultValue={user} autoComplete="off" />
      </label>
      <button type="submit">See as them</button>
      {user !== '' && <a href={addressOf('')}>As no one else</a>}
    </form>
  )
}
