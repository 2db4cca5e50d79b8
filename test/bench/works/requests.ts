import type { RequestTemplate } from '../load-job.ts'
import { eventId, listedEventId, ownerOf, USERS } from '../seed.ts'
import type { Tokens } from '../tokens.ts'

/** How many events are invited to, or listed, in one job. */
const MAX_TARGETS = 1_000

export interface ActionCall {
  readonly name: string
  readonly userId: string
  readonly input: object
  /** Whether each request has an `Idempotency-Key` of its own. @default false */
  readonly keyed?: boolean
}

/** A call over REST: the same for Deputy and the baseline. */
export function actionRequest(tokens: Tokens, { name, userId, input, keyed }: ActionCall): RequestTemplate {
  return {
    method: 'POST',
    path: `/api/actions/${name}`,
    headers: { ...jsonHeaders(tokens, userId), ...(keyed ? { 'idempotency-key': '{id}' } : {}) },
    body: JSON.stringify(input),
  }
}

interface TrpcCall {
  readonly name: string
  readonly input: object
  /** How many calls a batch has. @default it is no batch */
  readonly batch?: number
  /** Who calls. @default the first user */
  readonly userId?: string
}

/** `POST /trpc/…`: one call, or a batch of the same. */
export function trpcRequest(tokens: Tokens, { name, input, batch, userId }: TrpcCall): RequestTemplate {
  const paths = Array.from({ length: batch ?? 1 }, () => `actions.${name}`).join(',')
  const call = { json: input }
  const calls = Object.fromEntries(Array.from({ length: batch ?? 0 }, (_, n) => [n, call]))
  return {
    method: 'POST',
    path: `/trpc/${paths}${batch === undefined ? '' : '?batch=1'}`,
    headers: jsonHeaders(tokens, userId ?? USERS[0] ?? ''),
    body: JSON.stringify(batch === undefined ? call : calls),
  }
}

export function createEventRequests(tokens: Tokens, keyed: boolean): readonly RequestTemplate[] {
  const input = { title: 'Event {id}', startsAt: '2030-01-01T18:00:00.000Z', capacity: 20 }
  return USERS.map((userId) => actionRequest(tokens, { name: 'createEvent', userId, input, keyed }))
}

/** Invitations to events all over a table of so many. */
export function inviteRequests(tokens: Tokens, events: number, keyed = false): readonly RequestTemplate[] {
  return targets(events).map((n) => {
    const input = { eventId: eventId(n), attendeeId: '{id}' }
    return actionRequest(tokens, { name: 'inviteAttendee', userId: ownerOf(n), input, keyed })
  })
}

/** Pages of 50 of events all over a table of so many. */
export function listRequests(tokens: Tokens, events: number): readonly RequestTemplate[] {
  return targets(events).map((n) => {
    const input = { eventId: listedEventId(n) }
    return actionRequest(tokens, { name: 'listAttendees', userId: ownerOf(n), input })
  })
}

/** Pages of 50 of the callers' own notes. */
export function notesRequests(tokens: Tokens): readonly RequestTemplate[] {
  return USERS.map((userId) => ({
    method: 'GET',
    path: '/api/records/notes?limit=50',
    headers: { authorization: `Bearer ${tokens.of(userId)}` },
  }))
}

function targets(count: number): readonly number[] {
  const step = Math.max(1, count / MAX_TARGETS)
  return Array.from({ length: Math.min(count, MAX_TARGETS) }, (_, n) => Math.floor(n * step))
}

function jsonHeaders(tokens: Tokens, userId: string) {
  return { authorization: `Bearer ${tokens.of(userId)}`, 'content-type': 'application/json' }
}
