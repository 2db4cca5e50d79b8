import { mkdtempSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { TestProject } from 'vitest/node'
import { guardDirectory } from './guarded.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where lies what the first test which asks for it makes for all: the packages, and the programs. */
    readonly shared: string
  }
}

const MODULES = resolve(import.meta.dirname, '../../node_modules')
/** Between the projects of a run, each of which is set up. */
const VARIABLE = 'DEPUTY_TEST_SHARED'

/** Gives the tests of all projects a folder in common, from which Node finds the packages of this repository. */
export default async function setup(project: TestProject) {
  const folder = process.env[VARIABLE] ?? makeFolder()
  project.provide('shared', folder)
  // While Vitest watches, what was made of sources that have changed is made again.
  project.onTestsRerun(async () => {
    for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true })
  })
  return async () => {
    delete process.env[VARIABLE]
    await rm(folder, { recursive: true, force: true })
  }
}

/** At once: projects may be set up side by side. */
function makeFolder(): string {
  const folder = mkdtempSync(join(MODULES, '.deputy-test-'))
  guardDirectory(folder)
  process.env[VARIABLE] = folder
  return folder
}
