import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { createApp, nextSteps } from './create-app.ts'

/** In the packages; this repository has them once `npm run pack` has put them together. */
const TEMPLATES = fileURLToPath(new URL('../../../templates', import.meta.url))

interface CreateFlags {
  readonly empty?: true
  readonly fill?: true
  readonly deputyjs?: string
}

/** Adds `deputy create`, which makes an app in a new folder. */
export function addCreate(program: Command): void {
  describeCreate(program.command('create').summary('make an app in a new folder'))
}

/** Gives a command the arguments of `deputy create`, and what it does. */
export function describeCreate(command: Command): Command {
  return command
    .description('Makes an app in a new folder. Asks nothing, and needs no network.')
    .argument('<directory>', 'the folder of the app, which is made')
    .option('--empty', 'users and one collection with one action, instead of the example')
    .option('--fill', 'write what is missing into a folder that has some of the files')
    .option('--deputyjs <spec>', 'what the app installs as deputyjs: a version, or the path of a tarball')
    .action(async (directory: string, { empty, fill, deputyjs }: CreateFlags) => {
      const made = await createApp({
        directory,
        templates: TEMPLATES,
        isEmpty: empty === true,
        isFilling: fill === true,
        deputyjs,
      })
      process.stdout.write(nextSteps(made, process.cwd()))
    })
}
