import { type ParseArgsConfig, parseArgs } from 'node:util'
import { printable } from './printable.ts'

/** A command line that was read, or what is wrong with it. */
export type ParsedCommand<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string }

export type Options = ReadonlyMap<string, string>

/** Each command and the options that it takes. */
export interface CommandReader<T> {
  readonly options: readonly string[]
  read(values: Options): ParsedCommand<T>
}

/** Reads a command and its options, each of which has a value and is given once. */
export function parseCommand<T>(
  args: readonly string[],
  commands: ReadonlyMap<string, CommandReader<T>>,
): ParsedCommand<T> {
  const [name, ...rest] = args
  const command = name === undefined ? undefined : commands.get(name)
  if (!command) {
    const wrong = name === undefined ? 'A command is needed' : `There is no command "${printable(name)}"`
    return problem(
      `${wrong}; commands are ${[...commands.keys()].join(', ').replace(/, (\w+)$/, ' and $1')}.`,
    )
  }
  try {
    return command.read(readOptions(rest, command.options))
  } catch (error) {
    return problem(printable(error instanceof Error ? error.message : String(error)))
  }
}

/** Reads a whole number from 1 to `max`, in digits alone; undefined for anything else. */
export function readCount(text: string, max: number): number | undefined {
  const count = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0
  return count >= 1 && count <= max ? count : undefined
}

export function problem(text: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem: text }
}

/** @throws {Error} for an option that is unknown, lacks its value or is given twice, and for stray words. */
function readOptions(args: readonly string[], names: readonly string[]): Options {
  const known: NonNullable<ParseArgsConfig['options']> = Object.fromEntries(
    names.map((name) => [name, { type: 'string' }]),
  )
  const { tokens } = parseArgs({ args: [...args], options: known, strict: true, tokens: true })
  const values = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind !== 'option' || token.value === undefined) continue
    if (values.has(token.name)) throw new Error(`--${token.name} may be given once only.`)
    values.set(token.name, token.value)
  }
  return values
}
