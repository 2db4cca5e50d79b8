import { chmod, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openPglite } from '../../server/db/pglite.ts'
import { temporaryPath } from '../support/guarded.ts'

it('other users of the machine cannot reach the data, though its directory was open to them before', async () => {
  const directory = await temporaryPath('open')
  try {
    await chmod(directory, 0o755)
    const database = await openPglite({ directory })
    await database.close()
    expect((await stat(join(directory, 'pgdata'))).mode & 0o777).toBe(0o700)
  } finally {
    await rm(directory, { recursive: true })
  }
})
