import { spawnSync } from 'node:child_process'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'

/** What `npm ci --omit=dev` leaves in `node_modules`, in MB on disk: the packages that are installed for it here. */
export async function productionSizeMb(): Promise<number> {
  const listed = spawnSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { encoding: 'utf8' })
  const [root = '', ...packages] = listed.stdout.trim().split('\n')
  if (packages.length === 0) throw new Error(`npm ls names no packages in ${root}: ${listed.stderr}`)
  const sizes = await Promise.all([...new Set(packages)].map(bytesOnDisk))
  return sizes.reduce((sum, bytes) => sum + bytes, 0) / 1_048_576
}

/** A package without those that it holds itself: they are listed on their own. */
async function bytesOnDisk(directory: string): Promise<number> {
  const entries = await readdir(directory, { withFileTypes: true })
  const sizes = entries
    .filter(({ name }) => name !== 'node_modules')
    .map(async (entry) => {
      const path = join(directory, entry.name)
      return entry.isDirectory() ? bytesOnDisk(path) : (await lstat(path)).blocks * 512
    })
  return (await Promise.all(sizes)).reduce((sum, bytes) => sum + bytes, 0)
}
