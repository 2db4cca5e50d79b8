import { randomBytes } from 'node:crypto'
import type { Database } from '../db/database.ts'

const BYTES = 32

/** A secret that all servers of one database share; the first one makes it. */
export async function loadSystemSecret(database: Database, name: string): Promise<Uint8Array> {
  await database.write({
    sql: 'insert into deputy.system_secrets (name, value) values ($1, $2) on conflict do nothing',
    params: [name, randomBytes(BYTES).toString('base64')],
  })
  const { rows } = await database.query({
    sql: 'select value from deputy.system_secrets where name = $1',
    params: [name],
  })
  return Buffer.from(String(rows[0]?.[0]), 'base64')
}
