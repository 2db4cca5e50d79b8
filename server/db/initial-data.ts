import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, brotliDecompress, constants } from 'node:zlib'
import { PGlite, type PGliteOptions } from '@electric-sql/pglite'
import { type DataFiles, packData } from './data-files.ts'
import { readTar } from './tar.ts'

/** What the build writes beside this file, and a start from sources does not have. */
const FILE = 'initial-data.tar.br'
/** Large enough to see that the databases of an empty directory are copies of each other. */
const WINDOW_BITS = 24

/**
 * What the embedded database takes: 32 MB of pages in memory instead of 128, all of which a start writes; and a log in
 * files of 1 MB instead of 16, in a new directory. The log grows to about 64 MB between checkpoints.
 */
export const EMBEDDED_SIZES: Pick<PGliteOptions, 'startParams' | 'initDbStartParams'> = {
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=32MB'],
  initDbStartParams: ['--wal-segsize=1'],
}

/** What a copy for a test takes. */
export const COPY_SIZES: typeof EMBEDDED_SIZES = {
  startParams: [...PGlite.defaultStartParams, '-c', 'shared_buffers=8MB'],
}

/** Keeps an empty data directory in a folder of compiled code: to make one takes seconds and 800 MB of memory. */
export async function keepInitialData(folder: string): Promise<void> {
  const engine = await PGlite.create(EMBEDDED_SIZES)
  const data = await packData(engine)
  await engine.close()
  const packed = await promisify(brotliCompress)(data, {
    params: { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: WINDOW_BITS },
  })
  await writeFile(join(folder, nameOf(await installedVersion())), packed)
}

/**
 * Makes a data directory of the one that the build has kept, whole or not at all.
 *
 * @param folder where it was kept. @default this code's own
 * @returns whether there was one, of the PGlite that is installed.
 */
export async function placeInitialData(directory: string, folder = import.meta.dirname): Promise<boolean> {
  const entries = await readInitialData(folder)
  if (!entries) return false
  const draft = `${directory}.new`
  await rm(draft, { recursive: true, force: true })
  const folders = new Set(entries.map(({ path, content }) => (content ? dirname(path) : path)))
  for (const path of folders) await mkdir(join(draft, path), { recursive: true, mode: 0o700 })
  await Promise.all(
    entries.map(({ path, content }) => content && writeFile(join(draft, path), content, { mode: 0o600 })),
  )
  await rename(draft, directory)
  return true
}

/**
 * Reads the files of the empty data directory that the build has kept; undefined where there is none of the PGlite that is
 * installed.
 *
 * @param folder where it was kept. @default this code's own
 */
export async function readInitialData(folder = import.meta.dirname): Promise<DataFiles | undefined> {
  const packed = await readFile(join(folder, nameOf(await installedVersion()))).catch(() => undefined)
  return packed && [...readTar(await promisify(brotliDecompress)(packed))]
}

function nameOf(version: string): string {
  return `pglite-${version}-${FILE}`
}

/** A data directory is of one version of the program, to the last byte. */
async function installedVersion(): Promise<string> {
  const manifest = join(createRequire(import.meta.url).resolve('@electric-sql/pglite'), '../../package.json')
  const { version }: { version: string } = JSON.parse(await readFile(manifest, 'utf8'))
  return version
}
