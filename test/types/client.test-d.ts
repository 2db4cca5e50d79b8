// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { getUntypedClient, type TRPCClient } from '@trpc/client'
import { createClient, unwrap } from '../../client/core/index.ts'
import { type TRPCRouter, toTRPCClient } from '../../client/core/trpc.ts'
import type { FixtureRouter } from '../fixture/app.ts'

export async function typedClient() {
  const { actions } = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000', token: 'x' })

  const created = await actions.createEvent.mutate({ title: 't', startsAt: new Date(0), capacity: 5 })
  // @ts-expect-error: typed clients send a Date, not its text.
  await actions.createEvent.mutate({ title: 't', startsAt: '2030-01-01T00:00:00Z', capacity: 5 })
  // @ts-expect-error: a required field is missing.
  await actions.createEvent.mutate({ title: 't', startsAt: new Date(0) })
  // @ts-expect-error: an input takes no other key.
  await actions.createEvent.mutate({ title: 't', startsAt: new Date(0), capacity: 5, createdBy: 'eve' })
  // @ts-expect-error: an input is required.
  await actions.createEvent.mutate()
  // @ts-expect-error: there is no action of this name.
  await actions.deleteEverything.mutate({})
  // @ts-expect-error: a mutation is no query.
  await actions.createEvent.query({ title: 't', startsAt: new Date(0), capacity: 5 })
  // @ts-expect-error: a query is no mutation.
  await actions.listAttendees.mutate({ eventId: 'x' })

  // @ts-expect-error: a result is looked at before its data is used.
  created.data.recordId
  if (!created.success) {
    created.code satisfies string
    // @ts-expect-error: this is no code.
    return created.code === 'NOT_THERE'
  }
  created.data.recordId satisfies string
  unwrap(created).recordId satisfies string
  // @ts-expect-error: the answer has no such field.
  unwrap(created).eventId

  const listed = unwrap(await actions.listAttendees.query({ eventId: 'x' }))
  listed.nextCursor satisfies string | null
  for (const record of listed.records) {
    record.createdAt satisfies Date | null
    // @ts-expect-error: it is null where others have stored what no answer carries.
    record.createdAt satisfies Date
    record.data.status satisfies 'invited' | 'accepted' | 'declined'
    // @ts-expect-error: dates come back as Date.
    record.createdAt satisfies string
    // @ts-expect-error: attendees have no title.
    record.data.title
  }
  const { user } = unwrap(await actions.syncProfile.mutate({}))
  user.updatedAt satisfies Date | null
  user.data.name satisfies string | null
  return true
}

/** Packages of tRPC's, such as those for React, take it for a client of their own. */
export async function asTrpcClient(): Promise<TRPCClient<TRPCRouter<FixtureRouter>>> {
  const client = toTRPCClient<FixtureRouter>(createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000' }))
  getUntypedClient<TRPCRouter<FixtureRouter>>(client)
  const page = await client.records.events.list.query({ where: { title: 't' } })
  if (page.success) page.data.records[0]?.data.startsAt satisfies Date | undefined
  // @ts-expect-error: there is no action of this name.
  await client.actions.deleteEverything.mutate({})
  // @ts-expect-error: typed clients send a Date, not its text.
  await client.actions.createEvent.mutate({ title: 't', startsAt: '2030-01-01T00:00:00Z', capacity: 5 })
  return client
}

/** A key is text. */
export async function keys() {
  const { actions } = createClient<FixtureRouter>({ url: 'http://127.0.0.1:3000', fetch })
  await actions.syncProfile.mutate({}, { context: { idempotencyKey: 'x', trace: 5 } })
  // @ts-expect-error: a number is no key.
  await actions.syncProfile.mutate({}, { context: { idempotencyKey: 17 } })
}
