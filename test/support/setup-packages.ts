import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { temporaryPath } from './guarded.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the packages lie that the first test which asks for them packs. */
    readonly packages: string
  }
}

/** Gives the tests a folder for the packages, which are packed once for all of them. */
export default async function setup(project: TestProject) {
  const folder = await temporaryPath('packages')
  project.provide('packages', folder)
  return () => rm(folder, { recursive: true })
}
