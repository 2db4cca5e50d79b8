import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { CommandError } from './command-error.ts'
import { say } from './database-command.ts'
import { buildFrontEnd, hasFrontEnd } from './front-end.ts'

const OUT = 'dist'
const MIGRATIONS = 'drizzle/migrations'
/** Removed afterwards. */
const CONFIG = 'tsconfig.deputy-build.json'

const DESCRIPTION = `Compiles the app to ${OUT}/ with its own typescript, by its tsconfig.json, and copies its migrations, so that
node ${OUT}/server/main.js runs with plain Node. A front end in client/web is built to ${OUT}/web/ by Vite. What was in ${OUT}/ is removed.`

/** Adds `deputy build`. */
export function addBuild(program: Command): void {
  program.command('build').summary('compile the app to dist/').description(DESCRIPTION).action(build)
}

async function build(): Promise<void> {
  if (!existsSync('server/app.ts')) throw new CommandError(`There is no server/app.ts in ${process.cwd()}.`)
  const compiler = findCompiler()
  await rm(OUT, { recursive: true, force: true })
  await writeFile(CONFIG, `${JSON.stringify(buildConfig(), null, 2)}\n`)
  try {
    await compile(compiler)
  } finally {
    await rm(CONFIG, { force: true })
  }
  await cp(MIGRATIONS, join(OUT, MIGRATIONS), { recursive: true })
  if (hasFrontEnd(process.cwd())) await buildFrontEnd(process.cwd(), resolve(OUT, 'web'))
  say(`Built ${OUT}/. Run it with: NODE_ENV=production node ${OUT}/server/main.js`)
}

function findCompiler(): string {
  try {
    return join(createRequire(resolve('package.json')).resolve('typescript/package.json'), '../bin/tsc')
  } catch {
    throw new CommandError(
      'typescript is not installed, which builds the app: npm install --save-dev typescript',
    )
  }
}

function buildConfig(): object {
  return {
    ...(existsSync('tsconfig.json') ? { extends: './tsconfig.json' } : {}),
    compilerOptions: {
      ...(existsSync('tsconfig.json')
        ? {}
        : { module: 'nodenext', target: 'es2023', strict: true, skipLibCheck: true }),
      noEmit: false,
      rewriteRelativeImportExtensions: true,
      sourceMap: true,
      rootDir: '.',
      outDir: OUT,
    },
    include: ['server', 'drizzle/*.ts', 'integrations.ts'],
    exclude: ['**/*.test.ts'],
  }
}

/** @throws {CommandError} where there are errors; the compiler has printed them. */
async function compile(compiler: string): Promise<void> {
  const child = spawn(process.execPath, [compiler, '-p', CONFIG], { stdio: 'inherit' })
  const [code] = await once(child, 'exit')
  if (code !== 0) throw new CommandError('The app does not compile.')
}
