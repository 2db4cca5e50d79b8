import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { placeInitialData } from '../../server/db/initial-data.ts'
import { temporaryDirectory } from './guarded.ts'

/** Where `npm run build` keeps an empty database. */
const BUILT = fileURLToPath(new URL('../../dist/server/db', import.meta.url))

/** Makes a server's directory of data, gone when disposed. Where the build has kept an empty database, it has that. */
export async function dataDirectory(): ReturnType<typeof temporaryDirectory> {
  const directory = await temporaryDirectory('server')
  await placeInitialData(join(directory.path, 'pgdata'), BUILT)
  return directory
}
