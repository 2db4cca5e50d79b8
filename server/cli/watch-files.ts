import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface WatchedFiles {
  /** With everything below them. */
  readonly folders: readonly string[]
  readonly files: readonly string[]
}

/** Files with what tells that they have changed. */
export type FileStamps = ReadonlyMap<string, string>

/** Editors save in several steps. */
const SETTLE_MS = 100

export interface FileWatch {
  /** Says how the files are now: what is different from it is a change. */
  settle(stamps: FileStamps): void
  close(): void
}

/**
 * Watches files, also those that are made later. A hint of the system is held against the files themselves: what was
 * only read, or written with the same stamp, is no change. Node 20 watches no folder with all below it on Linux.
 */
export function watchFiles(watched: WatchedFiles, onChange: () => void): FileWatch {
  let known: FileStamps | undefined
  let timer: NodeJS.Timeout | undefined
  const watchers = new Map<string, FSWatcher>()
  const look = async () => {
    await follow()
    const now = await snapshotOf(watched)
    if (known === undefined || !hasChanged(known, now)) return
    known = now
    onChange()
  }
  const hint = () => {
    clearTimeout(timer)
    timer = setTimeout(() => void look(), SETTLE_MS)
  }
  const follow = async () => {
    for (const folder of ['.', ...(await foldersOf(watched.folders))]) {
      if (watchers.has(folder)) continue
      const watcher = watch(folder, hint)
      const forget = () => {
        watcher.close()
        watchers.delete(folder)
      }
      watcher.on('error', forget)
      watchers.set(folder, watcher)
    }
  }
  const following = follow()
  return {
    settle(stamps) {
      known = stamps
      // What has changed between is found by a look.
      void following.then(hint)
    },
    close() {
      clearTimeout(timer)
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}

/** Reads the stamps of files. */
export async function snapshotOf({ folders, files }: WatchedFiles): Promise<FileStamps> {
  const stamps = new Map<string, string>()
  const note = async (path: string) => {
    const found = await stat(path).catch(() => undefined)
    if (found?.isFile()) stamps.set(path, `${found.mtimeMs} ${found.size} ${found.ino}`)
  }
  for (const folder of folders) {
    const names = await readdir(folder, { recursive: true }).catch(() => [])
    await Promise.all(names.map((name) => note(join(folder, name))))
  }
  await Promise.all(files.map(note))
  return stamps
}

export function hasChanged(before: FileStamps, now: FileStamps): boolean {
  return before.size !== now.size || [...now].some(([path, stamp]) => before.get(path) !== stamp)
}

async function foldersOf(roots: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    roots.map(async (root) => {
      const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => undefined)
      if (!entries) return []
      return [
        root,
        ...entries.filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name)),
      ]
    }),
  )
  return found.flat()
}
