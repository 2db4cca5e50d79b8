import { spawnSync } from 'node:child_process'
import { cp, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keepInitialData } from '../../server/db/initial-data.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
const OUT = join(HERE, 'dist')

/** The programs of a run, each a process of its own. */
export const PROGRAMS = {
  deputy: join(OUT, 'test/bench/deputy-server.js'),
  baseline: join(OUT, 'test/bench/baseline/server.js'),
  upstream: join(OUT, 'test/bench/upstream-server.js'),
  load: join(OUT, 'test/bench/load-process.js'),
  /** The server as an app's `server/main.ts` starts it. */
  main: join(OUT, 'test/fixture/main.js'),
} as const

/** Compiles all that is measured, as `npm run build` does: nothing runs through a loader. @throws {Error} */
export async function buildPrograms(): Promise<void> {
  await rm(OUT, { recursive: true, force: true })
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
  const compiled = spawnSync(process.execPath, [tsc, '-p', HERE], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(`The benchmark does not compile:\n${compiled.stdout}`)
  for (const folder of ['drizzle/engine/migrations', 'test/fixture/migrations'])
    await cp(join(HERE, '../..', folder), join(OUT, folder), { recursive: true })
  await keepInitialData(join(OUT, 'server/db'))
  await writeFile(join(OUT, 'package.json'), await packageOf(join(HERE, '../..')))
}

/** Makes the package's name mean what was compiled here. */
async function packageOf(root: string): Promise<string> {
  const { name, type, exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
  return JSON.stringify({ name, type, exports }).replaceAll('./dist/', './')
}
