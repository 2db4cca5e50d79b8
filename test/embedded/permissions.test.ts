import { chmod, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openPglite } from '../../server/db/pglite.ts'

it('other users of the machine cannot reach the data, though its directory was open to them before', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'deputy-open-'))
  try {
    await chmod(directory, 0o755)
    const database = await openPglite({ directory })
    await database.close()
    expect((await stat(join(directory, 'pgdata'))).mode & 0o777).toBe(0o700)
  } finally {
    await rm(directory, { recursive: true })
  }
})
