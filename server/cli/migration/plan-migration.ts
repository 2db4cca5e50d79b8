import { CommandError, WRONG_USAGE } from '../command-error.ts'
import type { DrizzleKit } from './drizzle-kit.ts'
import { askFor, findQuestions, stepsBetween, unanswered } from './questions.ts'
import { applyRenames, type Rename } from './renames.ts'
import { findReplacements, tellReplacements } from './replacements.ts'
import { type MigrationIndex, readState, type TablesSnapshot } from './snapshot.ts'

export interface PlanOptions {
  readonly folder: string
  readonly index: MigrationIndex
  /** The exports of `drizzle/collections.ts`. */
  readonly collections: object
  readonly renames: readonly Rename[]
  /** Tables and `table.column`s that are dropped with their data. */
  readonly drops: readonly string[]
}

export interface PlannedMigration {
  /** None where the migrations have all that is declared. */
  readonly statements: readonly string[]
  /** The tables as they are declared. */
  readonly snapshot: TablesSnapshot
  /** What it is called where no one says it: what it changes first. */
  readonly name: string
}

/** Finds what the migrations of a folder lack. @throws {CommandError} that says what has to be known, with exit code 2. */
export async function planMigration(kit: DrizzleKit, options: PlanOptions): Promise<PlannedMigration> {
  const { folder, index, collections, renames, drops } = options
  const before = readState(folder, index)
  const snapshot = kit.describe(collections, before?.id)
  const start = before ?? kit.describe({})
  const renamed = applyRenames(start, snapshot, renames)
  if ('problem' in renamed) throw new CommandError(`--rename: ${renamed.problem}`, WRONG_USAGE)
  const replacements = findReplacements(renamed.snapshot, snapshot)
  if (replacements.length > 0) throw new CommandError(tellReplacements(replacements), WRONG_USAGE)
  const questions = findQuestions(renamed.snapshot, snapshot)
  const open = unanswered(questions, drops)
  if (open.length > 0) throw new CommandError(askFor(open), WRONG_USAGE)
  const statements = [...renamed.sql]
  const steps = stepsBetween(renamed.snapshot, snapshot)
  for (const [at, step] of steps.entries()) {
    const next = steps[at + 1]
    if (next) statements.push(...(await kit.compare(step, next)))
  }
  return { statements, snapshot, name: nameOf(statements) }
}

function nameOf(statements: readonly string[]): string {
  const [first = ''] = statements
  const [, verb = 'change', table = 'tables'] = /^(\w+) (?:\w+ )+?"(?:public"\.")?(\w+)"/.exec(first) ?? []
  return `${verb}_${table}`.toLowerCase()
}
