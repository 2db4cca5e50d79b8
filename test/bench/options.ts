import { parseArgs } from 'node:util'

export interface BenchOptions {
  /** Names of works and figures; all where there are none. */
  readonly only: readonly string[]
  readonly rounds: number
  /** How long a round takes, about. */
  readonly seconds: number
  readonly growthRows: readonly [small: number, large: number]
  /** How long a server is overloaded. */
  readonly overloadSeconds: number
  readonly json: boolean
  /** Where the servers leave their CPU profiles. */
  readonly profileDirectory: string | undefined
}

export const USAGE = `npm run bench -- [options]
  --only NAME[,NAME]  measure these alone
  --quick             one round of a second each, to see that everything works
  --rounds N          default 5
  --seconds N         of a round, default 3
  --cpu-prof DIR      leave CPU profiles of the servers there
  --json              print JSON instead of tables`

const FULL = { rounds: 5, seconds: 3, growthRows: [1_000, 1_000_000], overloadSeconds: 30 } as const
const QUICK = { rounds: 1, seconds: 1, growthRows: [1_000, 20_000], overloadSeconds: 3 } as const

/** @throws {Error} that says what is wrong with the arguments. */
export function readOptions(args: readonly string[], names: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      quick: { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      'cpu-prof': { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const only = values.only.flatMap((list) => list.split(','))
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no "${unknown}" to measure; names are ${names.join(', ')}`)
  const defaults = values.quick ? QUICK : FULL
  return {
    only,
    rounds: positive('rounds', values.rounds) ?? defaults.rounds,
    seconds: positive('seconds', values.seconds) ?? defaults.seconds,
    growthRows: defaults.growthRows,
    overloadSeconds: defaults.overloadSeconds,
    json: values.json,
    profileDirectory: values['cpu-prof'],
  }
}

function positive(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  if (/^[1-9]\d{0,3}$/.test(text)) return Number(text)
  throw new Error(`--${name} must be a whole number from 1 to 9999, not "${text}"`)
}
