// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import {
  createClient,
  type LivePage,
  type LiveSubscription,
  type RecordEnvelope,
} from '../../client/core/index.ts'
import { toTRPCClient } from '../../client/core/trpc.ts'
import type { FixtureRouter } from '../fixture/app.ts'

export function subscriptions() {
  const client = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000' })
  const { events, users } = client.records

  const subscription = events.live.subscribe(
    { where: { title: { startsWith: 'a' } }, orderBy: 'startsAt', orderDir: 'asc', limit: 20 },
    {
      onData(page) {
        page satisfies LivePage<RecordEnvelope<{ readonly title?: string | undefined }>>
        page.hasMore satisfies boolean
        page.records[0]?.data.startsAt satisfies Date | undefined
        // @ts-expect-error: a live page has no cursor.
        page.nextCursor
        // @ts-expect-error: events have no such field.
        page.records[0]?.data.nothing
      },
      onError: (error) => error.code satisfies string | undefined,
      onConnectionStateChange: ({ state }) => state satisfies 'connecting' | 'pending' | 'idle',
    },
  )
  subscription satisfies LiveSubscription
  events.live.subscribe(undefined, {})
  // @ts-expect-error: who is told is not left out.
  events.live.subscribe({ limit: 20 })
  // @ts-expect-error: a live page takes no cursor.
  events.live.subscribe({ cursor: 'x' }, {})
  // @ts-expect-error: events have no such field.
  events.live.subscribe({ where: { nothing: 1 } }, {})
  // @ts-expect-error: it is no query.
  events.live.query({ limit: 20 })
  // @ts-expect-error: a query is no subscription.
  events.list.subscribe({ limit: 20 }, {})

  users.liveRecord.subscribe(
    { recordId: 'ada' },
    {
      onData({ record }) {
        record?.data.name satisfies string | null | undefined
        // @ts-expect-error: it is null where there is none that the caller may read.
        record.data
      },
    },
  )
  // @ts-expect-error: which record is said.
  users.liveRecord.subscribe({}, {})

  toTRPCClient<FixtureRouter>(client).records.events.live.subscribe(
    { limit: 3 },
    { onData: (page) => page.count satisfies number },
  )
}

export function actions() {
  const client = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000' })
  const { listAttendees, createEvent } = client.actions

  const subscription = listAttendees.live.subscribe(
    { eventId: 'launch', limit: 20 },
    {
      onData(result) {
        if (result.success) result.data.records[0]?.data.status satisfies string | undefined
        else result.code satisfies string
        // @ts-expect-error: a failure has no data.
        result.data.records
      },
    },
  )
  subscription satisfies LiveSubscription
  // @ts-expect-error: it takes the input of the action.
  listAttendees.live.subscribe({ nothing: 1 }, {})
  // @ts-expect-error: what is shown is not called.
  listAttendees.live.query({ eventId: 'launch' })
  // @ts-expect-error: an action that may write is not shown.
  createEvent.live
  // @ts-expect-error: what is no action has no live.
  client.credits.balance.live
}
