import { spawnSync } from 'node:child_process'
import { cp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { keepInitialData } from '../db/initial-data.ts'

const root = new URL('../..', import.meta.url).pathname
const tsc = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc')

// `npm run build -- DIRECTORY` builds elsewhere than in dist/.
const out = resolve(root, process.argv[2] ?? 'dist')
await rm(out, { recursive: true, force: true })
const compiled = spawnSync(
  process.execPath,
  [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', out],
  {
    stdio: 'inherit',
  },
)
if (compiled.status !== 0) process.exit(compiled.status ?? 1)
await rewriteDeclarations(out)
for (const folder of ['drizzle/engine/migrations', 'drizzle/migrations'])
  await cp(join(root, folder), join(out, folder), { recursive: true })
await keepInitialData(join(out, 'server/db'))
console.log(`Built ${out}: server, client and migrations`)

/** The compiler rewrites `.ts` imports in the code that it emits, but not in the declarations. */
async function rewriteDeclarations(directory: string): Promise<void> {
  for (const name of await readdir(directory, { recursive: true })) {
    if (!name.endsWith('.d.ts')) continue
    const file = join(directory, name)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(/(from |import\()(['"])(\.{1,2}\/[^'"]+)\.ts\2/g, '$1$2$3.js$2'))
  }
}
