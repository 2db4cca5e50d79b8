import { DefinitionError } from '../core/errors.ts'
import type { Rate } from './bucket.ts'

const PERIODS = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

type Period = keyof typeof PERIODS

/** How often an action may be called: `{ rate: 5, per: 'minute' }`. */
export interface ActionLimit {
  /** How many calls are taken in each `per`. @default none: the limits of the whole app alone */
  readonly rate?: number
  /** @default none; goes with `rate` */
  readonly per?: Period
  /** How many calls are taken at once. @default rate */
  readonly burst?: number
  /** Whose calls are counted together: those of a user, or of an address, whoever is signed in there. @default 'user' */
  readonly by?: 'user' | 'address'
  /** How many calls one call counts for, here and in the limits of the whole app. @default 1 */
  readonly weight?: number
}

/** A limit of an action's own, whole. */
export interface DeclaredLimit {
  /** Undefined where the action says a weight alone. */
  readonly rate: Rate | undefined
  readonly by: 'user' | 'address'
  readonly weight: number
}

const KEYS: ReadonlySet<string> = new Set(['rate', 'per', 'burst', 'by', 'weight'])
/** More than this is no limit; and sums of it stay whole numbers. */
const MAX_RATE = 1_000_000

/** Reads what an action says of its limit. @throws {DefinitionError} that says what it may be. */
export function declaredLimit(limit: ActionLimit): DeclaredLimit {
  const { rate, per, burst = rate, by = 'user', weight = 1 } = limit
  const unknown = Object.keys(limit).find((key) => !KEYS.has(key))
  if (unknown !== undefined) refuse(`has no ${JSON.stringify(unknown)}; it has ${[...KEYS].join(', ')}`)
  for (const [name, value] of Object.entries({ rate, burst, weight })) {
    if (value === undefined) continue
    if (!Number.isInteger(value) || value < 1 || value > MAX_RATE)
      refuse(`.${name} is ${value}; it must be a whole number from 1 to ${MAX_RATE}`)
  }
  if (by !== 'user' && by !== 'address')
    refuse(`.by is ${JSON.stringify(by)}; it must be 'user' or 'address'`)
  if (rate === undefined) {
    if (per !== undefined || limit.burst !== undefined || limit.by !== undefined)
      refuse('needs rate and per: how many calls are taken, and in how long')
    return { rate: undefined, by, weight }
  }
  if (per === undefined || !Object.hasOwn(PERIODS, per))
    refuse(`.per is ${JSON.stringify(per)}; it must be one of ${Object.keys(PERIODS).join(', ')}`)
  const most = burst ?? rate
  if (weight > most) refuse(`.weight is ${weight}, more than the ${most} that are taken at once`)
  return { rate: { rate, perMs: PERIODS[per], burst: most }, by, weight }
}

function refuse(problem: string): never {
  throw new DefinitionError(`meta.limit${problem.startsWith('.') ? '' : ' '}${problem}`)
}
