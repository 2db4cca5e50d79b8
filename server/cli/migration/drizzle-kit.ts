import { createRequire } from 'node:module'
import { resolve } from 'node:path'
import { CommandError } from '../command-error.ts'
import { parseSnapshot, type TablesSnapshot } from './snapshot.ts'

/** What is used of drizzle-kit. */
export interface DrizzleKit {
  /** Describes tables. */
  describe(collections: object, previousId?: string): TablesSnapshot
  /** Writes the statements that make one state of another. It asks where something is gone and something is new. */
  compare(before: TablesSnapshot, after: TablesSnapshot): Promise<readonly string[]>
}

/** Loads the app's drizzle-kit. @throws {CommandError} that says how to install it. */
export function loadDrizzleKit(): DrizzleKit {
  const { generateDrizzleJson, generateMigration } = requireApi()
  type Known = Parameters<typeof generateMigration>[0]
  return {
    describe: (collections, previousId) =>
      parseSnapshot(generateDrizzleJson({ ...collections }, previousId, undefined, 'snake_case')),
    // It parses what it is given.
    compare: (before, after) => generateMigration(before as unknown as Known, after as unknown as Known),
  }
}

/** Its CommonJS form is loaded in a third of the time, and is found from the app's own folder. */
function requireApi(): typeof import('drizzle-kit/api') {
  try {
    return createRequire(resolve('package.json'))('drizzle-kit/api')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error
    throw new CommandError(
      'drizzle-kit is not installed, which writes migrations: npm install --save-dev --save-exact drizzle-kit@0.31.11',
    )
  }
}
