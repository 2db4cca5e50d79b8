import type { ChangeEvent } from 'react'
import { instantOf, localText } from '../../form/local-time.ts'
import { addressOf } from '../../shell/route.ts'
import { useTyped } from '../../shell/typed.ts'
import { FILTERS, type Filters, TIMES } from './calls.ts'

/** Chooses calls: what is chosen is the address. */
export function FilterForm({ filters }: { readonly filters: Filters }) {
  const typed = useTyped(['calls', JSON.stringify(filters)], () => textsOf(filters))
  const choose = () => {
    const chosen = new URLSearchParams()
    for (const [name, value] of Object.entries(typed.value)) {
      const text = value.trim()
      const said = name in TIMES ? instantOf(text) : text
      if (said) chosen.set(name, said)
    }
    const text = chosen.toString()
    typed.end(typed.value)
    location.hash = text === '' ? addressOf('calls') : addressOf('calls', text)
  }
  const fieldOf = (name: string) => ({
    value: typed.value[name] ?? '',
    onChange: ({ target }: ChangeEvent<HTMLInputElement>) =>
      typed.change({ ...typed.value, [name]: target.value }),
  })
  return (
    <form
      className="card filters"
      aria-label="Filters"
      onSubmit={(event) => {
        event.preventDefault()
        choose()
      }}
    >
      {Object.entries(FILTERS).map(([name, label]) => (
        <label key={name}>
          {label} <input {...fieldOf(name)} />
        </label>
      ))}
      {Object.entries(TIMES).map(([name, label]) => (
        <label key={name}>
          {label}{' '}
          <input
            type="datetime-local"
            step={1}
            title={instantOf(typed.value[name] ?? '') ?? 'in your time zone'}
            {...fieldOf(name)}
          />
        </label>
      ))}
      <button type="submit" className="primary">
        Show
      </button>
      <a href={addressOf('calls')}>All</a>
    </form>
  )
}

/** What the fields have: times as a field for a date and a time has them. */
function textsOf(filters: Filters): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(filters).map(([name, value]) => {
      const instant = name in TIMES ? instantOf(value) : undefined
      return [name, instant === undefined ? value : localText(new Date(instant))]
    }),
  )
}
