import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { MigrationError } from './migration-error.ts'

/** One file of a migrations folder. */
export interface Migration {
  /** The file's name without `.sql`. */
  readonly tag: string
  /** The stamp of its making, by which Drizzle's own table knows it. */
  readonly when: number
  readonly text: string
  /** Whether it says that servers which do not know it may go on beside it. */
  readonly isSafeForOlder: boolean
  /** Of the file as it is, with either kind of line ends: a checkout may change them. */
  readonly hashes: readonly [string, ...string[]]
}

/** A line of a migration by which servers that do not have the file may start on a database that has it. */
export const SAFE_MARK = '-- safe-for-older-servers'

const journalSchema = z.object({ entries: z.array(z.object({ tag: z.string(), when: z.number() })) })

/**
 * Reads a folder that drizzle-kit wrote, in the order of its journal.
 *
 * @throws {MigrationError} when the journal and the files do not tell the same, as after a merge.
 */
export function readMigrations(folder: string): readonly Migration[] {
  const journal = join(folder, 'meta', '_journal.json')
  if (!existsSync(journal)) throw new MigrationError(`There is no ${journal}. Run deputy generate.`)
  const { entries } = readJournal(journal)
  const tags = entries.map(({ tag }) => tag)
  const twice = tags.find((tag, at) => tags.indexOf(tag) !== at)
  if (twice !== undefined)
    throw new MigrationError(`${journal} names ${twice} twice. Leave one of the entries out.`)
  const lost = readdirSync(folder)
    .filter((file) => file.endsWith('.sql') && !tags.includes(file.slice(0, -'.sql'.length)))
    .sort()
  if (lost.length > 0) {
    throw new MigrationError(
      `${journal} does not name ${lost.join(', ')}, so nothing would apply it. A merge may have lost the entry: add it, or delete the file.`,
    )
  }
  return entries.map(({ tag, when }) => {
    const file = join(folder, `${tag}.sql`)
    if (!existsSync(file))
      throw new MigrationError(`${journal} names ${tag}, but there is no ${file}. Commit it.`)
    const text = readFileSync(file, 'utf8')
    const unix = text.replaceAll('\r\n', '\n')
    const hashes = [hashOf(text), hashOf(unix), hashOf(unix.replaceAll('\n', '\r\n'))] as const
    const isSafeForOlder = unix.split('\n').some((line) => line.trim() === SAFE_MARK)
    return { tag, when, text, isSafeForOlder, hashes }
  })
}

function readJournal(journal: string): z.infer<typeof journalSchema> {
  try {
    return journalSchema.parse(JSON.parse(readFileSync(journal, 'utf8')))
  } catch {
    throw new MigrationError(
      `${journal} is no journal of drizzle-kit. A merge may have left its marks in it: keep the entries of both sides.`,
    )
  }
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
