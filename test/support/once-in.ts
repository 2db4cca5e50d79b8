import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Makes a folder once for all processes of a run: the first that asks makes it, the others wait for it.
 *
 * @param folder where it is made, which all of them know
 * @param make what fills the folder that it is given, which then has another name
 * @returns its path
 */
export async function onceIn(
  folder: string,
  name: string,
  make: (folder: string) => Promise<unknown>,
): Promise<string> {
  const at = (state: string) => join(folder, `${name}-${state}`)
  const [made, failed] = [at('made'), at('failed')] as const
  const isFirst = await mkdir(at('turn')).then(
    () => true,
    () => false,
  )
  if (isFirst) {
    try {
      await make(at('making'))
      await rename(at('making'), made)
    } catch (error) {
      await writeFile(failed, String(error))
      throw error
    }
  }
  while (!existsSync(made)) {
    if (existsSync(failed)) throw new Error(await readFile(failed, 'utf8'))
    await sleep(50)
  }
  return made
}
