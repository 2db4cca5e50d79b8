// How a command finds the server that has an embedded database open: no other process can open it meanwhile.
import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'

const FILE = 'server.json'

const addressSchema = z.object({ url: z.url() })

/** Notes in the directory of its data where a server listens. It holds the lock on the directory. */
export async function noteServerAddress(dataDir: string, url: string): Promise<void> {
  const draft = join(dataDir, `${FILE}.new`)
  await writeFile(draft, `${JSON.stringify({ url })}\n`, { mode: 0o600 })
  await rename(draft, join(dataDir, FILE))
}

/** Removes the note; one that is not there is none to remove. */
export async function removeServerAddress(dataDir: string): Promise<void> {
  await rm(join(dataDir, FILE), { force: true })
}

/** Where the server listens that holds the directory; undefined where the one that holds it does not listen. */
export async function findServerAddress(dataDir: string): Promise<string | undefined> {
  const text = await readFile(join(dataDir, FILE), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  try {
    return addressSchema.parse(JSON.parse(text)).url
  } catch {
    return undefined
  }
}
