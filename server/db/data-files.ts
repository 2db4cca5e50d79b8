import { posix } from 'node:path'
import { MemoryFS, type PGlite } from '@electric-sql/pglite'
import { readTar, type TarEntry } from './tar.ts'

/** The files of a data directory of PGlite, of which any number of databases in memory can start. */
export type DataFiles = readonly TarEntry[]

/** Where PGlite has it, in each of its file systems. */
const DIRECTORY = '/pglite/data'
/** `template1` and `template0`, by the ids that they have everywhere. */
const TEMPLATES = /^\/?base\/[14]\//

/**
 * Packs what a database in memory holds (ustar): one that starts of it has nothing to recover.
 *
 * Files of the log that are kept for later are removed, of the database itself as well: it makes them when it needs them.
 */
export async function packData(engine: PGlite): Promise<Uint8Array<ArrayBuffer>> {
  await engine.exec('checkpoint')
  const { rows } = await engine.query<{ name: string }>(
    'select name from pg_ls_waldir() where name > pg_walfile_name(pg_current_wal_lsn())',
  )
  for (const { name } of rows) engine.Module.FS.unlink(`${DIRECTORY}/pg_wal/${name}`)
  const packed = await engine.dumpDataDir('none')
  return new Uint8Array(await packed.arrayBuffer())
}

/** Reads what was packed, without the two databases in three that no one connects to. */
export function readDataFiles(packed: Uint8Array): DataFiles {
  return [...readTar(packed)].filter(({ path }) => !TEMPLATES.test(path))
}

/** A file system in memory that begins with copies of files. */
export class CopiedFiles extends MemoryFS {
  #files: DataFiles

  constructor(files: DataFiles) {
    super()
    this.#files = files
  }

  override async initialSyncFs(): Promise<void> {
    if (!this.pg) throw new Error('A file system is filled once PGlite has taken it')
    const { FS } = this.pg.Module
    const made = new Set<string>()
    for (const { path, content } of this.#files) {
      const at = posix.join(DIRECTORY, path)
      const folder = content ? posix.dirname(at) : at
      if (!made.has(folder)) FS.mkdirTree(folder)
      made.add(folder)
      // The database writes into what it is given.
      if (content) FS.createDataFile(folder, posix.basename(at), new Uint8Array(content), true, true, true)
    }
    // They are as large as the database, which keeps this for as long as it is open.
    this.#files = []
  }
}
