import { expect, it } from 'vitest'
import { nearestName } from '../../server/core/nearest-name.ts'

const NAMES = ['inviteAttendee', 'listAttendees', 'createEvent', 'get', 'sync', 'synk']

it.each<[string, string | undefined]>([
  ['inviteAtendee', 'inviteAttendee'],
  ['InviteAttendee', 'inviteAttendee'],
  ['invietAttendee', 'inviteAttendee'],
  ['listAttendee', 'listAttendees'],
  ['creatEvnt', 'createEvent'],
  ['crtEvnt', undefined],
  ['deleteEvent', undefined],
  ['deleteEverything', undefined],
  // The nearer one, and of two as near the first.
  ['synk', 'synk'],
  ['synq', 'sync'],
  ['gte', 'get'],
  ['go', undefined],
  ['', undefined],
  ['x'.repeat(100_000), undefined],
])('%j is near to %j', (name, meant) => {
  expect(nearestName(name, NAMES)).toBe(meant)
})
