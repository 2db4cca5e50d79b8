import postgres from 'postgres'
import type { Database } from '../../server/db/database.ts'
import type { PgliteDatabase } from '../../server/db/pglite.ts'

/** Runs SQL of a test's own on its database, which the app itself may only write through actions. */
export async function execute(database: Database, url: string | undefined, text: string): Promise<void> {
  if (url !== undefined) {
    const connection = postgres(url, { max: 1, onnotice: () => {} })
    await connection.unsafe(text).finally(() => connection.end())
    return
  }
  const { engine } = database as PgliteDatabase // Without a URL it is the embedded one.
  await engine.exec('set default_transaction_read_only = off')
  await engine.exec(text).finally(() => engine.exec('set default_transaction_read_only = on'))
}
