import { fieldErrors } from 'deputyjs/react'
import { type FormEvent, useState } from 'react'
import { deputy, useSession } from './deputy.ts'
import { Field } from './field.tsx'
import { Problem } from './problem.tsx'
import { Link } from './route.tsx'

const PAGE = 20
const MAX = 200

export function EventList() {
  const { userId } = useSession()
  const [limit, setLimit] = useState(PAGE)
  // As it is now, and after each change of anyone's.
  const events = deputy.records.events.useLive({ limit }, { placeholderData: (before) => before })
  const records = events.data?.records ?? []
  return (
    <>
      <h1>Events</h1>
      <CreateEvent />
      <h2>Events you may see</h2>
      <Problem error={events.error} />
      {events.isSuccess && records.length === 0 && <p>There are none yet. Create the first one.</p>}
      <ul className="cards" aria-busy={events.isPending}>
        {records.map(({ recordId, createdBy, data }) => (
          <li key={recordId}>
            <Link to={`/events/${recordId}`}>{data.title}</Link>
            <span>{when(data.startsAt)}</span>
            <span>
              {data.attendeeCount} of {data.capacity} places taken
            </span>
            <span className="tag">
              {createdBy === userId ? 'yours' : 'invited'}
              {data.visibility === 'public' && ', public'}
            </span>
          </li>
        ))}
      </ul>
      {events.data?.hasMore && limit < MAX && (
        <button type="button" disabled={events.isPlaceholderData} onClick={() => setLimit(limit + PAGE)}>
          More
        </button>
      )}
    </>
  )
}

export const when = (date: Date) =>
  date.toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })

function CreateEvent() {
  const create = deputy.actions.createEvent.useMutation()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const { title, startsAt, capacity } = Object.fromEntries(new FormData(form))
    create.mutate(
      { title: String(title), startsAt: new Date(String(startsAt)), capacity: Number(capacity) },
      { onSuccess: () => form.reset() },
    )
  }
  const errors = fieldErrors(create.error)
  return (
    <section aria-labelledby="create">
      <h2 id="create">Create an event</h2>
      <form onSubmit={submit} className="grid" noValidate>
        <Field label="Title" name="title" errors={errors} />
        <Field label="Starts at" name="startsAt" type="datetime-local" errors={errors} />
        <Field label="Places" name="capacity" type="number" inputMode="numeric" errors={errors} />
        <button type="submit" disabled={create.isPending}>
          {create.isPending ? 'Creating…' : 'Create'}
        </button>
      </form>
      <Problem error={Object.keys(errors).length > 0 ? null : create.error} />
    </section>
  )
}
