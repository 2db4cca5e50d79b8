import { useTyped } from '../../shell/typed.ts'

interface SeeAsProps {
  /** Empty for no one. */
  readonly user: string
  /** The address that marks what a user sees. */
  readonly addressOf: (user: string) => string
}

/** Chooses the user whose view is marked. */
export function SeeAs(props: SeeAsProps) {
  return <UserForm key={props.user} {...props} />
}

function UserForm({ user, addressOf }: SeeAsProps) {
  const { value, change, end } = useTyped(['see as', addressOf(user)], () => user)
  return (
    <form
      className="filters"
      aria-label="Whose view is marked"
      onSubmit={(event) => {
        event.preventDefault()
        end(value)
        location.hash = addressOf(value.trim())
      }}
    >
      <label>
        See as <small>a user’s id: what is hidden from them is marked</small>
        <input autoComplete="off" value={value} onChange={({ target }) => change(target.value)} />
      </label>
      <button type="submit">See as them</button>
      {user !== '' && <a href={addressOf('')}>As no one else</a>}
    </form>
  )
}
