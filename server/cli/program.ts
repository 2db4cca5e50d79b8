import { Command, CommanderError } from 'commander'
import { printable } from '../core/printable.ts'
import { addActions } from './actions.ts'
import { addAudit } from './audit.ts'
import { addBuild } from './build-app.ts'
import { addCall } from './call.ts'
import { exitCodeOf, explain, WRONG_USAGE } from './command-error.ts'
import { addCreate } from './create.ts'
import { addCredits } from './credits.ts'
import { addDev } from './dev.ts'
import { addDoctor } from './doctor.ts'
import { addGenerate } from './generate.ts'
import { addJobs } from './jobs.ts'
import { addMigrate } from './migrate.ts'
import { addOpenApi } from './openapi.ts'
import { addOutbox } from './outbox.ts'
import { addSchedules } from './schedules.ts'
import { addStart } from './start.ts'
import { addToken } from './token.ts'
import { addTypes } from './types.ts'

const DESCRIPTION =
  "Runs and looks after a Deputy app, in the app's folder. It reads the environment, and .env for what is not set there."
const EXIT_CODES = '\nExit codes: 0 it is done, 1 it has failed, 2 it was called wrongly.'

/** Each adds a command, in the order of the help. */
const COMMANDS: readonly ((program: Command) => void)[] = [
  addCreate,
  addDev,
  addBuild,
  addStart,
  addGenerate,
  addMigrate,
  addDoctor,
  addToken,
  addActions,
  addOpenApi,
  addCall,
  addAudit,
  addCredits,
  addJobs,
  addOutbox,
  addSchedules,
  addTypes,
]

/** Runs a command line, and sets the exit code of the process where it is not 0. */
export async function runCommandLine(args: readonly string[]): Promise<void> {
  // A reader that has seen enough, such as head, must not end a command in the middle.
  process.stdout.on('error', () => {})
  try {
    await createProgram(args).parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has written what is wrong, or the help that was asked for.
      process.exitCode = error.exitCode === 0 ? 0 : WRONG_USAGE
      return
    }
    process.stderr.write(`${explain(error)}\n`)
    process.exitCode = exitCodeOf(error)
  }
}

/** Makes the command with all of its subcommands, for one command line. */
export function createProgram(args: readonly string[]): Command {
  const program = new Command('deputy')
    .description(DESCRIPTION)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(shown(text, args)) })
    .addHelpText('after', EXIT_CODES)
  for (const add of COMMANDS) add(program)
  finish(program, 'deputy')
  return program
}

function finish(command: Command, path: string): void {
  command.helpCommand(false)
  command.showHelpAfterError(`Usage: ${path} ${command.usage()}\nMore: ${path} --help`)
  for (const child of command.commands) finish(child, `${path} ${child.name()}`)
}

/** What was typed may hold line breaks and escapes. */
function shown(text: string, args: readonly string[]): string {
  const typed = args.flatMap((arg) => [arg, arg.slice(arg.indexOf('=') + 1)])
  const unsafe = typed.filter((part) => printable(part) !== part)
  return unsafe.reduce((result, part) => result.replaceAll(part, printable(part)), text)
}
