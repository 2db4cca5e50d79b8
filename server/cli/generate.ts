import { existsSync } from 'node:fs'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { CommandError, WRONG_USAGE } from './command-error.ts'
import { say } from './database-command.ts'
import { importSource } from './load-app.ts'
import { parseRename, type Rename } from './migration/renames.ts'
import { must, valueOption } from './options.ts'

const COLLECTIONS = 'drizzle/collections.ts'
const MIGRATIONS = 'drizzle/migrations'

interface GenerateOptions {
  readonly name?: string
  readonly rename?: readonly Rename[]
  readonly drop?: readonly string[]
  readonly check?: true
  readonly quiet?: true
  readonly custom?: true
}

const DESCRIPTION = `Writes a migration of what ${COLLECTIONS} declares and ${MIGRATIONS} lacks, and says what in it is
dangerous. It asks nothing: what cannot be told from the declarations is said with --rename or --drop. It needs
drizzle-kit, and no database.`

/** Adds `deputy generate`. */
export function addGenerate(program: Command): void {
  program
    .command('generate')
    .summary('write a migration of what the collections declare')
    .description(DESCRIPTION)
    .addOption(valueOption('--name <name>', 'what it does, as in add_venues', readName))
    .addOption(
      new Option(
        '--rename <old:new>',
        'a table, or a column as in events.title:events.name; may be repeated',
      ).argParser(readRename),
    )
    .addOption(
      new Option(
        '--drop <name>',
        'a table, or a column as in events.title, that is dropped; may be repeated',
      ).argParser((text, earlier: readonly string[] = []) => [...earlier, text]),
    )
    .addOption(
      new Option('--check', 'write nothing, and fail where a migration is missing').conflicts('custom'),
    )
    .option('--quiet', 'print nothing where nothing is missing')
    .option('--custom', 'write an empty migration, for statements of your own')
    .action(generate)
}

async function generate({
  name,
  rename = [],
  drop = [],
  check,
  quiet,
  custom,
}: GenerateOptions): Promise<void> {
  if (!existsSync(COLLECTIONS)) throw new CommandError(`There is no ${COLLECTIONS} in ${process.cwd()}.`)
  if (custom && name === undefined)
    throw new CommandError('A migration of your own needs a name: --custom --name what_it_does', WRONG_USAGE)
  const { loadDrizzleKit } = await import('./migration/drizzle-kit.ts')
  const { planMigration } = await import('./migration/plan-migration.ts')
  const { readIndex } = await import('./migration/snapshot.ts')
  const kit = loadDrizzleKit()
  const index = readIndex(MIGRATIONS)
  const collections = await importSource(COLLECTIONS)
  const plan = await planMigration(kit, {
    folder: MIGRATIONS,
    index,
    collections,
    renames: rename,
    drops: drop,
  })
  if (plan.statements.length === 0 && !custom) {
    if (!quiet) say(`${MIGRATIONS} has all that ${COLLECTIONS} declares.`)
    return
  }
  if (check)
    throw new CommandError(
      `A migration is missing: ${MIGRATIONS} lacks what ${COLLECTIONS} declares. Run deputy generate, and commit what it writes.`,
    )
  if (custom && plan.statements.length > 0)
    throw new CommandError(
      `A migration is missing of what ${COLLECTIONS} declares: run deputy generate without --custom first.`,
    )
  await write({ name: name ?? plan.name, statements: plan.statements, snapshot: plan.snapshot, index })
}

type WriteOptions = Pick<
  import('./migration/write-migration.ts').NewMigration,
  'name' | 'snapshot' | 'index'
> & {
  readonly statements: readonly string[]
}

async function write({ statements, ...migration }: WriteOptions): Promise<void> {
  const { joinStatements, writeMigration } = await import('./migration/write-migration.ts')
  const { findDangers } = await import('./migration/dangers.ts')
  const sql = statements.length === 0 ? '-- Statements of your own.\n' : joinStatements(statements)
  const file = writeMigration({ ...migration, folder: MIGRATIONS, sql, now: new Date() })
  say(`Wrote ${file} (${statements.length} statements). Read it, and commit ${MIGRATIONS}.`)
  const dangers = findDangers(sql)
  if (dangers.length === 0) return
  say('Look at these before you apply it:')
  for (const danger of dangers) say(`  ${danger}`)
}

function readName(text: string): string {
  return must(
    /^[a-z0-9][a-z0-9_-]{0,59}$/i.test(text),
    text,
    'It must be letters, digits, _ and -, as in add_venues.',
  )
}

function readRename(text: string, earlier: readonly Rename[] = []): readonly Rename[] {
  const rename = parseRename(text)
  if (!rename)
    throw new InvalidArgumentError('It must be old:new, as in events:meetings or events.title:events.name.')
  return [...earlier, rename]
}
