import { collection } from 'deputyjs/collections'
import { eq, or, sql } from 'drizzle-orm'
import { check, index, integer, text, timestamp, unique } from 'drizzle-orm/pg-core'

// Role → what its callers may do by themselves, over `records`. What is not said is denied; actions may do more.

/** A row per person, its id the token's `sub`. Written by `users.register` and `registerUser` alone. */
export const users = collection(
  'users',
  {
    name: text(),
    email: text(),
    imageUrl: text(),
    role: text().notNull().default('member'),
  },
  {
    systemManaged: ['name', 'email', 'imageUrl', 'role'],
    access: {
      admin: { read: true },
      '*': { read: ({ userId }) => userId !== null, readableFields: ['name', 'imageUrl'] },
    },
  },
)

/** All but `attendeeCount` and `reminderId`, which only actions write. */
const EVENT_FIELDS = ['title', 'summary', 'startsAt', 'capacity', 'visibility'] as const

export const events = collection(
  'events',
  {
    title: text().notNull(),
    summary: text(),
    startsAt: timestamp({ withTimezone: true, precision: 3 }).notNull(),
    capacity: integer().notNull(),
    attendeeCount: integer().notNull().default(0),
    /** The job that reminds the attendees the day before. */
    reminderId: text(),
    visibility: text({ enum: ['private', 'public'] })
      .notNull()
      .default('private'),
  },
  {
    agent: true,
    visibilityField: { field: 'visibility', value: 'public' },
    access: {
      member: { read: 'published', create: true, update: 'own', remove: 'own', writableFields: EVENT_FIELDS },
      admin: { read: true, create: true, update: true, remove: true, writableFields: EVENT_FIELDS },
      '*': { read: 'published' },
    },
    constraints: (event) => [
      index('events_created_by_created_at_idx').on(event.createdBy, event.createdAt, event.recordId),
      index('events_visibility_created_at_idx').on(event.visibility, event.createdAt, event.recordId),
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
    ownerField: 'attendeeId',
    access: {
      // Created by the action alone; whoever is invited answers, and the event's creator sees the answers.
      '*': {
        read: ({ userId }, attendee) =>
          userId !== null &&
          or(eq(attendee.attendeeId, userId), sql`${attendee.eventId} = any(${eventsOf(userId)})`),
        update: 'own',
        writableFields: ['status'],
      },
    },
    constraints: (attendee) => [
      unique('attendees_event_attendee_key').on(attendee.eventId, attendee.attendeeId),
      index('attendees_attendee_created_at_idx').on(
        attendee.attendeeId,
        attendee.createdAt,
        attendee.recordId,
      ),
      index('attendees_event_created_at_idx').on(attendee.eventId, attendee.createdAt, attendee.recordId),
    ],
  },
)

/** As an array, which Postgres works out once and looks up in an index; it would not do that with a subquery. */
function eventsOf(userId: string) {
  return sql`array(select ${events.recordId} from ${events} where ${events.createdBy} = ${userId})`
}

/** What users have paid, under the provider's ids. Written by `recordPayment` alone. */
export const payments = collection(
  'payments',
  {
    userId: text().notNull(),
    amountCents: integer().notNull(),
    status: text({ enum: ['pending', 'failed', 'succeeded'] }).notNull(),
  },
  {
    ownerField: 'userId',
    access: { admin: { read: true }, '*': { read: 'own' } },
    constraints: (payment) => [
      index('payments_user_created_at_idx').on(payment.userId, payment.createdAt, payment.recordId),
      check('payments_amount_positive', sql`${payment.amountCents} > 0`),
    ],
  },
)

/** One record, `summary`, recomputed by the owner. */
export const analytics = collection(
  'analytics',
  {
    events: integer().notNull(),
    attendees: integer().notNull(),
    computedAt: timestamp({ withTimezone: true, precision: 3 }).notNull(),
  },
  { access: { admin: { read: true } } },
)
