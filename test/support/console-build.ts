import { resolve } from 'node:path'
import { buildConsole } from '../../server/cli/repository/build-console.ts'
import { temporaryDirectory } from './guarded.ts'

/** Builds the console of these sources into a folder that is gone when disposed. */
export async function builtConsole(): Promise<AsyncDisposable & { readonly folder: string }> {
  const directory = await temporaryDirectory('console')
  await buildConsole(resolve(import.meta.dirname, '../..'), directory.path)
  return {
    folder: directory.path,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  }
}
