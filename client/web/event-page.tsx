import { fieldErrors } from 'deputyjs/react'
import type { FormEvent } from 'react'
import { deputy, useSession } from './deputy.ts'
import { when } from './event-list.tsx'
import { Field } from './field.tsx'
import { Priced } from './priced.tsx'
import { Problem } from './problem.tsx'
import { go } from './route.tsx'

interface OfEvent {
  readonly eventId: string
}

export function EventPage({ eventId }: OfEvent) {
  const { userId } = useSession()
  const event = deputy.records.events.useLiveRecord(eventId)
  const { update } = deputy.useRecords('events')
  const cancel = deputy.actions.cancelEvent.useMutation({ onSuccess: () => go('/') })
  const summarize = deputy.actions.summarizeEvent.useMutation()
  const translate = deputy.actions.translateTitle.useMutation()
  if (event.isPending) return <p role="status">Loading…</p>
  if (!event.data)
    return (
      <>
        <h1>You cannot see this event</h1>
        <p>It is not there, or not for you.</p>
        <Problem error={event.error} />
      </>
    )
  const { data, createdBy } = event.data
  const isOwn = createdBy === userId
  return (
    <article>
      <h1>{data.title}</h1>
      <p>
        {when(data.startsAt)} · {data.attendeeCount} of {data.capacity} places taken
      </p>
      {data.summary !== null && <p className="summary">{data.summary}</p>}
      <div className="row">
        {isOwn && (
          <>
            <button
              type="button"
              disabled={update.isPending}
              onClick={() =>
                update.mutate({ recordId: eventId, patch: { visibility: other(data.visibility) } })
              }
            >
              {data.visibility === 'public' ? 'Make it private' : 'Make it public'}
            </button>
            <button
              type="button"
              className="danger"
              disabled={cancel.isPending}
              onClick={() => confirm('Remove this event and its invitations?') && cancel.mutate({ eventId })}
            >
              Cancel the event
            </button>
          </>
        )}
      </div>
      <Problem error={update.error ?? cancel.error} />
      <Priced
        title="Summarize it"
        action="summarizeEvent"
        input={{ eventId }}
        run={async () => (await summarize.mutateAsync({ eventId })).summary}
      />
      <Priced
        title="Translate the title"
        action="translateTitle"
        input={{ eventId, language: 'de' }}
        run={async () => (await translate.mutateAsync({ eventId, language: 'de' })).title}
      />
      <Attendees eventId={eventId} />
    </article>
  )
}

const other = (visibility: 'private' | 'public') => (visibility === 'public' ? 'private' : 'public')

function Attendees({ eventId }: OfEvent) {
  const attendees = deputy.actions.listAttendees.useQuery({ eventId, limit: 100 })
  const invite = deputy.actions.inviteAttendee.useMutation()
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const field = form.elements.namedItem('attendeeId') as HTMLInputElement // The form has it below.
    const attendeeId = field.value
    const empty = () => {
      // Unless the next one is being typed.
      if (field.value === attendeeId) form.reset()
    }
    invite.mutate({ eventId, attendeeId }, { onSuccess: empty })
  }
  const errors = fieldErrors(invite.error)
  const invited = attendees.data?.records ?? []
  return (
    <section aria-labelledby="attendees">
      <h2 id="attendees">Invited</h2>
      <form onSubmit={submit} className="row" noValidate>
        <Field label="User to invite" name="attendeeId" autoComplete="off" errors={errors} />
        <button type="submit" disabled={invite.isPending}>
          Invite
        </button>
      </form>
      <Problem error={Object.keys(errors).length > 0 ? null : invite.error} />
      {attendees.error && <p className="problem">{attendees.error.message}</p>}
      <ul className="plain">
        {/* Shown at once, and gone again where the server refuses. */}
        {invite.isPending && <li>{invite.variables.attendeeId} …</li>}
        {invited.map(({ recordId, data }) => (
          <li key={recordId}>
            {data.attendeeId} <span className="tag">{data.status}</span>
          </li>
        ))}
      </ul>
    </section>
  )
}
