import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const VITE = join(createRequire(import.meta.url).resolve('vite/package.json'), '../bin/vite.js')

/**
 * Builds the console, in a process of its own: what is built depends on the environment.
 *
 * @param root of the repository
 * @param out the folder, absolute; what was in it is removed
 * @throws {Error} when it does not build; Vite has told why.
 */
export async function buildConsole(root: string, out: string): Promise<void> {
  const options = ['--outDir', out, '--emptyOutDir', '--logLevel', 'warn']
  const child = spawn(process.execPath, [VITE, 'build', join(root, 'client/console'), ...options], {
    env: { NODE_ENV: 'production' },
    stdio: 'inherit',
  })
  const [status] = await once(child, 'exit')
  if (status !== 0) throw new Error('The console does not build')
}
