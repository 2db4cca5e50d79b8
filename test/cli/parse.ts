import { type Command, CommanderError } from 'commander'
import { createProgram } from '../../server/cli/program.ts'

export type Parsed =
  | { readonly command: string; readonly args: readonly unknown[]; readonly options: object }
  | { readonly problem: string }

/** Reads a command line as `deputy` does, and runs nothing. */
export async function parse(line: readonly string[]): Promise<Parsed> {
  let written = ''
  let parsed: Parsed | undefined
  const watch = (command: Command) => {
    const { outputError } = command.configureOutput()
    command.configureOutput({
      writeErr: (text) => {
        written += text
      },
      ...(outputError && { outputError }),
    })
    if (command.commands.length === 0) {
      command.action((...values: unknown[]) => {
        const args = command.registeredArguments.map((_, at) => values[at])
        parsed = { command: command.name(), args, options: command.opts() }
      })
    }
    command.commands.forEach(watch)
  }
  const program = createProgram(line)
  watch(program)
  try {
    await program.parseAsync([...line], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
  }
  return parsed ?? { problem: written }
}
