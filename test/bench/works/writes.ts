import { randomUUID } from 'node:crypto'
import type { BenchDatabase } from '../database.ts'
import { ROWS, USERS } from '../seed.ts'
import type { Tokens } from '../tokens.ts'
import { type Lane, laneKey, type WorkDefinition } from '../work.ts'
import { againstBaseline } from './against-baseline.ts'
import { actionRequest, createEventRequests, inviteRequests } from './requests.ts'

export const CREATED = { events: 1, audit: 1 } as const
export const INVITED = { attendees: 1, places: 1, audit: 1 } as const

export const createEvent: WorkDefinition = {
  name: 'create',
  title: 'createEvent, with its audit row',
  open: (bench) =>
    againstBaseline(bench, {
      goal: 1,
      requests: () => createEventRequests(bench.tokens, false),
      perCall: CREATED,
    }),
}

export const inviteAttendee: WorkDefinition = {
  name: 'invite',
  title: `inviteAttendee over ${ROWS} events, with its audit row`,
  open: (bench) =>
    againstBaseline(bench, { goal: 1, requests: () => inviteRequests(bench.tokens, ROWS), perCall: INVITED }),
}

export const keyedCreate: WorkDefinition = {
  name: 'keyed-create',
  title: 'createEvent, every call with an Idempotency-Key',
  open: (bench) =>
    againstBaseline(bench, {
      goal: 0.8,
      requests: () => createEventRequests(bench.tokens, true),
      perCall: { ...CREATED, keys: 1 },
    }),
}

export const keyedInvite: WorkDefinition = {
  name: 'keyed-invite',
  title: 'inviteAttendee, every call with an Idempotency-Key',
  open: (bench) =>
    againstBaseline(bench, {
      goal: 0.8,
      requests: () => inviteRequests(bench.tokens, ROWS, true),
      perCall: { ...INVITED, keys: 1 },
    }),
}

export const hotEvent: WorkDefinition = {
  name: 'hot-event',
  title: 'inviteAttendee on one event',
  open({ deputy, baseline, tokens }) {
    const lanes = [64, 1].flatMap((connections): Lane[] =>
      ([deputy, baseline] as const).map((server) => {
        const kind = server === deputy ? 'deputy' : 'baseline'
        const requests = () => invitationsToOneEvent(server.database, tokens)
        return { name: kind, kind, connections, servers: [server], perCall: INVITED, requests }
      }),
    )
    const key = (name: string, connections: number) => laneKey({ name, connections })
    const ratios = [
      { of: key('deputy', 64), to: key('baseline', 64), goal: 3 },
      { of: key('deputy', 64), to: key('deputy', 1), goal: 0.9 },
      { of: key('baseline', 64), to: key('baseline', 1) },
    ]
    return { lanes, ratios }
  },
}

/** A new one each time: an event has 100 000 places at most. */
export async function invitationsToOneEvent({ sql }: BenchDatabase, tokens: Tokens) {
  const eventId = `hot-${randomUUID()}`
  const userId = USERS[0] ?? ''
  await sql`
    insert into events (record_id, created_by, created_at, updated_at, title, starts_at, capacity)
    values (${eventId}, ${userId}, now(), now(), 'One event', now(), 100000)`
  const input = { eventId, attendeeId: '{id}' }
  return [actionRequest(tokens, { name: 'inviteAttendee', userId, input })]
}
