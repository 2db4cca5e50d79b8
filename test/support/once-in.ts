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
  const [making, made, failed] = ['making', 'made', 'failed'].map((state) => join(folder, `${name}-${state}`))
  if (making === undefined || made === undefined || failed === undefined) throw new Error('There are three')
  const isFirst = await mkdir(join(folder, `${name}-turn`)).then(
    () => true,
    () => false,
  )
  if (isFirst) {
    try {
      await make(making)
      await rename(making, made)
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
