import type { Stats } from 'node:fs'
import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const BLOCK_BYTES = 512
const lockfile = z.object({ packages: z.record(z.string(), z.object({ dev: z.boolean().optional() })) })

/** What `npm ci --omit=dev` leaves in `node_modules`, in MB on disk: the packages that are installed for it here. */
export async function productionSizeMb(): Promise<number> {
  const { packages } = lockfile.parse(JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8')))
  const directories = Object.entries(packages).filter(([path, { dev }]) => path !== '' && !dev)
  const files = await Promise.all(directories.map(([path]) => filesOf(join(ROOT, path))))
  // A file that is linked to twice is on the disk once.
  const sizes = new Map(files.flat().map(({ ino, blocks }) => [ino, blocks * BLOCK_BYTES]))
  return [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0) / 1_048_576
}

/** The files of a package, without those of packages that it holds: they are listed on their own. */
async function filesOf(directory: string): Promise<Stats[]> {
  // Packages for other platforms are not here.
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => [])
  const files = entries
    .filter(({ name }) => name !== 'node_modules')
    .map((entry) => {
      const path = join(directory, entry.name)
      return entry.isDirectory() ? filesOf(path) : lstat(path)
    })
  return (await Promise.all(files)).flat()
}
