import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Command } from 'commander'
import { CommandError } from './command-error.ts'
import { APP_FILE, loadApp } from './load-app.ts'
import { readText, valueOption } from './options.ts'

interface TypesOptions {
  readonly out: string | undefined
  readonly check: boolean | undefined
}

const DESCRIPTION = `Writes the type of the app's router, AppRouter, as one file of declarations. Front ends in other
repositories are typed by it: createClient<AppRouter>(…) of deputyjs-client. It holds what clients may call and with
which types, and nothing of the app's files.`

/** Adds `deputy types`, which writes the types of a front end in another repository. */
export function addTypes(program: Command): void {
  program
    .command('types')
    .summary('write the types of a front end in another repository')
    .description(DESCRIPTION.replaceAll('\n', ' '))
    .addOption(valueOption('--out <file>', 'the file to write (default: standard output)', readText))
    .option('--check', 'write nothing, and fail where the file is not what would be written')
    .action(writeTypes)
}

async function writeTypes({ out, check }: TypesOptions): Promise<void> {
  if (check && out === undefined) throw new CommandError('--check needs --out: the file to look at.', 2)
  const { app } = await loadApp({ isBuilt: false })
  const { writeRouterTypes } = await import('./write-router-types.ts')
  const text = await writeRouterTypes({ app, file: APP_FILE })
  if (out === undefined) {
    process.stdout.write(text)
  } else if (check) {
    const found = await readFile(out, 'utf8').catch(() => undefined)
    if (found === text) return
    const problem = found === undefined ? `There is no ${out}.` : `${out} is not what the app is now.`
    throw new CommandError(`${problem} Run deputy types --out ${out}`)
  } else {
    await mkdir(dirname(out), { recursive: true })
    await writeFile(out, text)
  }
}
