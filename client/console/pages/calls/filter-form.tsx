import { instantOf, localText } from '../../form/local-time.ts'
import { addressOf } from '../../shell/route.ts'
import { FILTERS, type Filters, TIMES } from './calls.ts'

/** Chooses calls: what is chosen is the address. */
export function FilterForm({ filters }: { readonly filters: Filters }) {
  const choose = (form: HTMLFormElement) => {
    const chosen = new URLSearchParams()
    for (const [name, value] of new FormData(form)) {
      const text = String(value).trim()
      const said = name in TIMES ? instantOf(text) : text
      if (said) chosen.set(name, said)
    }
    const text = chosen.toString()
    location.hash = text === '' ? addressOf('calls') : addressOf('calls', text)
  }
  return (
    <form
      className="card filters"
      aria-label="Filters"
      onSubmit={(event) => {
        event.preventDefault()
        choose(event.currentTarget)
      }}
    >
      {Object.entries(FILTERS).map(([name, label]) => (
        <label key={name}>
          {label} <input name={name} defaultValue={filters[name as keyof Filters] ?? ''} />
        </label>
      ))}
      {Object.entries(TIMES).map(([name, label]) => {
        const given = filters[name as keyof Filters]
        const instant = given === undefined ? undefined : instantOf(given)
        return (
          <label key={name}>
            {label}{' '}
            <input
              type="datetime-local"
              step={1}
              name={name}
              title={instant ?? 'in your time zone'}
              defaultValue={instant === undefined ? '' : localText(new Date(instant))}
            />
          </label>
        )
      })}
      <button type="submit" className="primary">
        Show
      </button>
      <a href={addressOf('calls')}>All</a>
    </form>
  )
}
