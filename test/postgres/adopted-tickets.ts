// What docs/adopting.md declares; a test compares the two.
import { collection } from 'deputyjs/collections'
import { bigint, boolean, varchar } from 'drizzle-orm/pg-core'

export const tickets = collection(
  'tickets',
  {
    id: bigint({ mode: 'number' }).notNull().generatedAlwaysAsIdentity(),
    subject: varchar({ length: 200 }).notNull(),
    isOpen: boolean().notNull().default(true),
  },
  { access: { member: { read: 'own', create: true, update: 'own', remove: false } } },
)
