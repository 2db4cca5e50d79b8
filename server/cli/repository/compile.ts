import { spawnSync } from 'node:child_process'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { keepInitialData } from '../../db/initial-data.ts'
import { keepReferenceFiles } from '../../http/reference-files.ts'

/** The root of the repository. */
export const ROOT = resolve(import.meta.dirname, '../../..')

const TSC = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')

/**
 * Compiles the engine and the app of this repository, with declarations, migrations and the data of an empty embedded
 * database. What was in the folder is removed.
 *
 * @param out the folder, absolute
 * @throws {Error} when it does not compile; the compiler has told why.
 */
export async function compile(out: string): Promise<void> {
  await rm(out, { recursive: true, force: true })
  const compiled = spawnSync(
    process.execPath,
    [TSC, '-p', join(ROOT, 'tsconfig.build.json'), '--outDir', out],
    { stdio: 'inherit' },
  )
  if (compiled.status !== 0) throw new Error('The compiler found errors')
  await rewriteDeclarations(out)
  for (const folder of ['drizzle/engine/migrations', 'drizzle/migrations'])
    await cp(join(ROOT, folder), join(out, folder), { recursive: true })
  await keepReferenceFiles(join(out, 'server/http'))
  await keepInitialData(join(out, 'server/db'))
}

/** The compiler rewrites `.ts` imports in the code that it emits, but not in the declarations. */
async function rewriteDeclarations(directory: string): Promise<void> {
  for (const name of await readdir(directory, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue
    const file = join(directory, name)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(/(from |import\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2'))
  }
}
