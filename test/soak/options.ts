import { parseArgs } from 'node:util'

export interface SoakOptions {
  /** Names of scenarios. */
  readonly only: readonly string[]
  readonly seed: number
  /** How long each scenario attacks. */
  readonly seconds: number
}

export const USAGE = `npm run soak -- [options]
  --only NAME[,NAME]  run these scenarios alone
  --seconds N         how long each one attacks, default 300
  --seed N            repeats the choices of an earlier run`

const DEFAULT_SECONDS = '300'
const MAX_SEED = 2 ** 32 - 1

/** @throws {Error} that says what is wrong with the arguments. */
export function readOptions(args: readonly string[], names: readonly string[], newSeed: number): SoakOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      seconds: { type: 'string', default: DEFAULT_SECONDS },
      seed: { type: 'string', default: String(newSeed) },
    },
  })
  const only = values.only.flatMap((list) => list.split(','))
  const unknown = only.find((name) => !names.includes(name))
  if (unknown !== undefined)
    throw new Error(`There is no scenario "${unknown}"; scenarios are ${names.join(', ')}`)
  return {
    only: only.length > 0 ? only : names,
    seconds: whole('seconds', values.seconds, 1, 86_400),
    seed: whole('seed', values.seed, 0, MAX_SEED),
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (/^\d{1,10}$/.test(text) && number >= least && number <= most) return number
  throw new Error(`--${name} must be a whole number from ${least} to ${most}, not "${text}"`)
}
