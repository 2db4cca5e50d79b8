import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { indexPath, type MigrationIndex, snapshotPath, type TablesSnapshot } from './snapshot.ts'

export interface NewMigration {
  readonly folder: string
  readonly index: MigrationIndex
  readonly name: string
  readonly sql: string
  readonly snapshot: TablesSnapshot
  readonly now: Date
}

/** Writes a migration as drizzle-kit does: its file, its snapshot, and its line in the journal. @returns its file */
export function writeMigration({ folder, index, name, sql, snapshot, now }: NewMigration): string {
  const idx = Math.max(-1, ...index.entries.map((entry) => entry.idx)) + 1
  const tag = `${String(idx).padStart(4, '0')}_${name}`
  // Two of one millisecond, or a clock that was set back, would change the order for who sorts by it.
  const when = Math.max(now.getTime(), ...index.entries.map((entry) => entry.when + 1))
  const entry = { idx, version: '7', when, tag, breakpoints: true }
  const file = join(folder, `${tag}.sql`)
  mkdirSync(join(folder, 'meta'), { recursive: true })
  writeFileSync(file, sql, { flag: 'wx' })
  writeJson(snapshotPath(folder, tag), snapshot)
  writeJson(indexPath(folder), { ...index, entries: [...index.entries, entry] })
  return file
}

/** Joins statements as the migrator divides them. */
export function joinStatements(statements: readonly string[]): string {
  return `${statements.map((statement) => statement.trimEnd()).join('\n--> statement-breakpoint\n')}\n`
}

function writeJson(path: string, value: unknown): void {
  writeFileSync(path, `${JSON.stringify(value, null, 2)}\n`)
}
