// What a team does with the package: it is packed, an app is made of it elsewhere, and that is run as a shell would.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { inject } from 'vitest'
import { guarded, runGuarded } from '../support/guarded.ts'
import { holdServer } from '../support/held-servers.ts'
import { onceIn } from '../support/once-in.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/**
 * Packs this repository, once for all files of a run.
 *
 * @returns where a tarball is, by the name of its package; throws for others
 */
export async function packPackages(): Promise<(name: string) => string> {
  const packed = await onceIn(inject('shared'), 'packages', (folder) =>
    runIn(ROOT, 'npm', ['run', '-s', 'pack', '--', folder]),
  )
  const tarballs = new Map(
    (await readdir(packed)).map((file) => [file.replace(/-\d+\.\d+\.\d+.*/, ''), join(packed, file)]),
  )
  return (name) => {
    const path = tarballs.get(name)
    if (path === undefined)
      throw new Error(`npm run pack has made no ${name}: ${[...tarballs.keys()].join()}`)
    return path
  }
}

/** Makes an app in a folder, without installing anything. @returns what was printed */
export function createPackedApp(folder: string, name: string, tarball: (name: string) => string) {
  return runIn(folder, 'npm', [
    ...['exec', '--yes', `--package=${tarball('create-deputyjs')}`, '--'],
    ...['create-deputyjs', name, '--deputyjs', tarball('deputyjs')],
  ])
}

/** As in a shell of its own: nothing of this process's environment but what finds and caches programs. */
function environment(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '' } = process.env
  return { PATH, HOME, NO_COLOR: '1', npm_config_audit: 'false', npm_config_fund: 'false', ...env }
}

/** Runs a program to its end. @returns what it printed. @throws {Error} with that, where it fails. */
export async function runIn(
  cwd: string,
  file: string,
  args: readonly string[],
  env?: Readonly<Record<string, string>>,
): Promise<string> {
  const options = { cwd, env: environment(env), maxBuffer: 1 << 24 }
  const done = await runGuarded(file, args, options).catch((error: { stdout?: string; stderr?: string }) => {
    throw new Error(`${file} ${args.join(' ')} failed:\n${error.stdout}\n${error.stderr}`)
  })
  return String(done.stdout)
}

export interface StartedApp extends AsyncDisposable {
  readonly url: string
  output(): string
}

/** A server of an app, once it listens. Its exchanges are held to its OpenAPI document. */
export async function startPackedApp(
  cwd: string,
  [file, ...args]: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<StartedApp> {
  const child = guarded(
    spawn(file, args, {
      cwd,
      env: environment({ PORT: '0', ...env }),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    }),
  )
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (part: string) => {
      output += part
    })
  const ended = once(child, 'close')
  const address = () => {
    if (child.exitCode !== null) throw new Error(`The server ended:\n${output}`)
    return /listens on (\S+)/.exec(output)?.[1]
  }
  let url = address()
  while (url === undefined) {
    await Promise.race([once(child.stdout, 'data'), once(child.stderr, 'data'), ended])
    url = address()
  }
  holdServer(url, await runIn(cwd, 'node_modules/.bin/deputy', ['openapi']), ended)
  return {
    url,
    output: () => output,
    async [Symbol.asyncDispose]() {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM')
      await ended
    },
  }
}
