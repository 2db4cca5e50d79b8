import { collection } from 'deputyjs/collections'
import { text } from 'drizzle-orm/pg-core'

export const users = collection(
  'users',
  { name: text(), email: text(), imageUrl: text(), role: text().notNull().default('member') },
  { systemManaged: ['name', 'email', 'imageUrl', 'role'] },
)

export const notes = collection('notes', { text: text().notNull() }, { access: { member: { read: 'own' } } })
