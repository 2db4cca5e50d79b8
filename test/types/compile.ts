import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runGuarded } from '../support/guarded.ts'

const require = createRequire(import.meta.url)

/** The compilers that an app may have, by the version of TypeScript. */
export const COMPILERS = {
  '5.9': dirname(require.resolve('ts5/package.json')),
  '6': dirname(require.resolve('ts6/package.json')),
  '7': dirname(require.resolve('typescript/package.json')),
} as const
export type Version = keyof typeof COMPILERS

export interface Compilation {
  /** The lines of its errors, those that go on in further lines included. */
  readonly errors: readonly string[]
  readonly instantiations: number
  readonly checkSeconds: number
}

/** Compiles a project, and counts. @throws {Error} when the compiler did not run to its end, or read no file. */
export async function compile(version: Version, project: string): Promise<Compilation> {
  const args = [join(COMPILERS[version], 'bin/tsc'), '--noEmit', '--extendedDiagnostics', '-p', project]
  // One checker: those of version 7 that work side by side count what they have in common more than once.
  if (version === '7') args.push('--singleThreaded')
  const output = await runGuarded(process.execPath, args, { maxBuffer: 2 ** 26 }).then(
    ({ stdout }) => stdout,
    (error: { stdout?: string }) => error.stdout ?? '',
  )
  const figure = (name: string) => {
    const found = new RegExp(`^${name}:\\s+([\\d.]+)s?$`, 'm').exec(output)?.[1]
    if (found === undefined)
      throw new Error(`TypeScript ${version} told no ${name} of ${project}:\n${output}`)
    return Number(found)
  }
  if (figure('Files') < 100) throw new Error(`TypeScript ${version} read too few files of ${project}`)
  return {
    errors: output
      .split('\n')
      .filter((line) => /error TS\d+|^ +(?!\d)\S/.test(line) && !/^\w[\w ]*:\s/.test(line)),
    instantiations: figure('Instantiations'),
    checkSeconds: figure('Check time'),
  }
}
