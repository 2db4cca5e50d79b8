import { sql } from 'drizzle-orm'
import { check, index, integer, text, timestamp, unique } from 'drizzle-orm/pg-core'
import { collection } from './collection.ts'

/** A row per person, its id the token's `sub`. Written by `registerUser` alone. */
export const users = collection(
  'users',
  {
    name: text(),
    email: text(),
    imageUrl: text(),
    role: text().notNull().default('member'),
  },
  { systemManaged: ['name', 'email', 'imageUrl', 'role'] },
)

export const events = collection(
  'events',
  {
    title: text().notNull(),
    summary: text(),
    startsAt: timestamp({ withTimezone: true, precision: 3 }).notNull(),
    capacity: integer().notNull(),
    attendeeCount: integer().notNull().default(0),
    visibility: text({ enum: ['private', 'public'] })
      .notNull()
      .default('private'),
  },
  {
    constraints: (event) => [
      check('events_capacity_range', sql`${event.capacity} between 1 and 100000`),
      check('events_attendee_count_range', sql`${event.attendeeCount} between 0 and ${event.capacity}`),
    ],
  },
)

export const attendees = collection(
  'attendees',
  {
    eventId: text()
      .notNull()
      .references(() => events.recordId, { onDelete: 'cascade' }),
    attendeeId: text().notNull(),
    status: text({ enum: ['invited', 'accepted', 'declined'] })
      .notNull()
      .default('invited'),
  },
  {
    constraints: (attendee) => [
      unique('attendees_event_attendee_key').on(attendee.eventId, attendee.attendeeId),
      index('attendees_event_created_at_idx').on(attendee.eventId, attendee.createdAt, attendee.recordId),
    ],
  },
)

/** One record, `summary`, recomputed by the owner. */
export const analytics = collection('analytics', {
  events: integer().notNull(),
  attendees: integer().notNull(),
  computedAt: timestamp({ withTimezone: true, precision: 3 }).notNull(),
})
