import { spawnSync } from 'node:child_process'
import { cp, rm } from 'node:fs/promises'
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
  /** The server as it is shipped, with the app's own rooms. */
  main: join(OUT, 'server/main.js'),
} as const

/** Compiles all that is measured, as `npm run build` does: nothing runs through a loader. @throws {Error} */
export async function buildPrograms(): Promise<void> {
  await rm(OUT, { recursive: true, force: true })
  const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')
  const compiled = spawnSync(process.execPath, [tsc, '-p', HERE], { encoding: 'utf8' })
  if (compiled.status !== 0) throw new Error(`The benchmark does not compile:\n${compiled.stdout}`)
  for (const folder of ['drizzle/engine/migrations', 'drizzle/migrations'])
    await cp(join(HERE, '../..', folder), join(OUT, folder), { recursive: true })
  await keepInitialData(join(OUT, 'server/db'))
}
