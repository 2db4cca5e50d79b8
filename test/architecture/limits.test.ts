import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { serverSchema } from '../../server/env/schema.ts'
import { LIMITS, NO_LIMITS } from './limits-in-code.ts'
import { filesIn, isCode, source } from './module-graph.ts'

/** Fewer than this were found: the scan has gone blind. */
const MIN_CONSTANTS = 250
const MIN_ROWS = 50

const CONSTANT = /^(?:export )?const ([A-Z][A-Z0-9_]*)(?:: [^=]+)? = ([-\w({].*)$/gm
/** Constants that make several rows. */
const SEVERAL = [
  'server/limits/rate-limits.ts DEFAULT_RATE_LIMITS',
  'server/live/seats.ts DEFAULT_LIVE_LIMITS',
]
/** What a constant is called that may be a limit. */
const NAME =
  /(?:^|_)(?:MAX|MIN|MOST|DEFAULT|LIMITS?|TIMEOUT|PATIENCE|BOUND|WHOLE|BURST|RATE|SHARE|COOLDOWN|STALE|OLDEST|LONGEST|SLOTS|QUEUE)(?:_|$)|_(?:MS|SECONDS|DAYS|BYTES|CHARACTERS|DIGITS|LENGTH|DEPTH|ROWS|SIZE|PAGES|LEVELS|VALUES|STEPS|COST|CALLS|ROUNDS|TRIES|LOOKS|ATTEMPTS)$/

const files = ['server', 'client/core', 'client/react', 'drizzle/engine']
  .flatMap((place) => filesIn(place))
  // What lies directly in `server/` is the app's.
  .filter((file) => isCode(file) && !/^server\/(?:[^/]+|routers\/actions\/.*|cli\/template\/.*)$/.test(file))
const constants = new Map<string, string>(
  files.flatMap((file) =>
    [...source(file).matchAll(CONSTANT)]
      .filter(([, name = '']) => NAME.test(name))
      .map(([, name, value = '']) => [`${file} ${name}`, value] as const),
  ),
)

interface Row {
  readonly id: string
  readonly value: string
  readonly setting: string
  readonly beyond: string
}

const doc = readFileSync('docs/limits.md', 'utf8').split('\n## All limits\n')[1] ?? ''
const rows = [...doc.matchAll(/^\| `([\w-]+)` \| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$/gm)].map(
  ([, id = '', , value = '', setting = '', beyond = '']): Row => ({ id, value, setting, beyond }),
)
const named = new Set(
  filesIn('test')
    .filter((file) => file.endsWith('.test.ts'))
    .flatMap((file) => [...source(file).matchAll(/^\/\/ limits\.md: (.+)$/gm)])
    .flatMap(([, ids = '']) => ids.split(', ')),
)

/** How a number is written in the table, by the unit of its name. */
function written(name: string, value: number): readonly string[] {
  const spaced = String(value).replace(/\B(?=(\d{3})+$)/g, ' ')
  const ms = name.endsWith('_MS')
    ? [`${value / 1_000} s`, `${value / 60_000} min`, `${value / 3_600_000} h`]
    : []
  const long = ms.map((each) => each.replace(/^\d+/, (digits) => digits.replace(/\B(?=(\d{3})+$)/g, ' ')))
  const bytes = [`${value / 1_024} KiB`, `${value / 1_024 ** 2} MiB`]
  return [String(value), spaced, ...ms, ...long, ...bytes]
}

/** What a constant is, where it is a number that needs nothing else to be read. */
function numberOf(value: string): number | undefined {
  const text = value.replaceAll('_', '')
  if (!/^[\d.e]+(?: \*\*? [\d.e]+)*$/.test(text)) return undefined
  return text.split(' * ').reduce((product, part) => {
    const [base = '', power] = part.split(' ** ')
    return product * (power === undefined ? Number(base) : Number(base) ** Number(power))
  }, 1)
}

describe('docs/limits.md', () => {
  it('has a row, or a reason for none, for every constant that looks like a limit', () => {
    expect(constants.size).toBeGreaterThan(MIN_CONSTANTS)
    const known = [...Object.values(LIMITS), ...Object.values(NO_LIMITS)].flat()
    expect([...constants.keys()].filter((constant) => !known.includes(constant))).toEqual([])
    expect(known.filter((constant) => !constants.has(constant))).toEqual([])
    expect(
      known.filter((constant, at) => !SEVERAL.includes(constant) && known.indexOf(constant) !== at),
    ).toEqual([])
  })

  it('has the rows that constants are said to make, and no others', () => {
    expect(rows.length).toBeGreaterThan(MIN_ROWS)
    expect(rows.map(({ id }) => id).sort()).toEqual(Object.keys(LIMITS).sort())
  })

  it('says the values that the constants have', () => {
    const wrong = rows.flatMap(({ id, value }) =>
      (LIMITS[id] ?? []).flatMap((constant) => {
        const number = numberOf(constants.get(constant) ?? '')
        if (number === undefined || id === 'held') return []
        return written(constant, number).some((text) => saysNumber(value, text))
          ? []
          : [`${id}: ${constant} is ${number}`]
      }),
    )
    expect(wrong).toEqual([])
  })

  it('names settings that there are', () => {
    const settings = rows.flatMap(({ setting }) => setting.match(/\b[A-Z]+(?:_[A-Z]+)+\b/g) ?? [])
    expect(settings.length).toBeGreaterThan(10)
    expect(settings.filter((setting) => !Object.hasOwn(serverSchema.shape, setting))).toEqual([])
    expect(rows.filter(({ setting }) => setting === '' || setting === '–')).toEqual([])
  })

  it('names limits that a test names, and no test names another', () => {
    expect(rows.map(({ id }) => id).filter((id) => !named.has(id))).toEqual([])
    expect([...named].filter((id) => !rows.some((row) => row.id === id))).toEqual([])
  })
})

/** Whether a text says a number, not as a part of a longer one. */
function saysNumber(text: string, number: string): boolean {
  const at = text.indexOf(number)
  return (
    at >= 0 && !/[\d.]/.test(text[at - 1] ?? '') && !/^(?:\d| \d{3})/.test(text.slice(at + number.length))
  )
}
