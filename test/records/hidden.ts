import { boolean, integer, jsonb, text, timestamp } from 'drizzle-orm/pg-core'
import { collection } from '../../drizzle/engine/collection.ts'
import { users } from '../fixture/collections.ts'
import { execute } from '../support/execute.ts'
import { createTestApp } from '../support/test-app.ts'

/** Fields of every kind that members do not see. */
export const HIDDEN = ['secret', 'rank', 'flagged', 'due', 'extra', 'tags', 'coupon'] as const

const notes = collection(
  'notes',
  {
    title: text().notNull(),
    ownerId: text(),
    slug: text().unique('notes_slug_key'),
    payload: jsonb(),
    status: text().notNull().default('new'),
    secret: text(),
    rank: integer(),
    flagged: boolean(),
    due: timestamp({ withTimezone: true, precision: 3 }),
    extra: jsonb(),
    tags: text().array(),
    coupon: text().unique('notes_coupon_key'),
  },
  {
    ownerField: 'ownerId',
    access: {
      member: {
        read: 'own',
        create: 'own',
        update: 'own',
        remove: 'own',
        readableFields: ['title', 'ownerId', 'slug', 'payload', 'status'],
        // A hidden field that may be written, and a readable one that may not.
        writableFields: ['title', 'ownerId', 'slug', 'payload', 'coupon'],
      },
      admin: { read: true, create: true, update: true, remove: true },
    },
  },
)

const NOTES_TABLE = `create table notes (
  record_id text primary key, created_by text, created_at timestamptz(3) not null default now(),
  updated_at timestamptz(3) not null default now(), version integer not null default 1,
  title text not null, owner_id text, slug text, payload jsonb, status text not null default 'new', secret text,
  rank integer, flagged boolean, due timestamptz(3), extra jsonb, tags text[], coupon text,
  constraint notes_slug_key unique (slug), constraint notes_coupon_key unique (coupon))`

/** An app with one collection of which members see a part. */
export async function openNotes() {
  const app = await createTestApp({ collections: { users, notes } })
  await execute(app.database, app.databaseUrl, NOTES_TABLE)
  return Object.assign(app, { execute: (text: string) => execute(app.database, app.databaseUrl, text) })
}

export type Notes = Awaited<ReturnType<typeof openNotes>>
