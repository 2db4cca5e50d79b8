import { readFile } from 'node:fs/promises'

const FENCE = /^```(?<info>[^\n]*)\n(?<text>.*?)^```$/gms
const FILE = /^\/\/ (?<file>\S+\.tsx?)\n/

/** What a page tells its reader to do, in its order. */
export type Step =
  | { readonly kind: 'run'; readonly commands: string }
  /** The file is this from then on. */
  | { readonly kind: 'write'; readonly file: string; readonly text: string }
  /** The lines of the file that the block shows without `+` become those without `-`. */
  | { readonly kind: 'change'; readonly file: string; readonly before: string; readonly after: string }
  /** What is shown under a name, and is none of these. */
  | { readonly kind: 'shown'; readonly name: string; readonly text: string }

/** The steps of a section of a page of `docs/`, which goes on to the next heading of its level. @throws {Error} for none */
export async function stepsOf(page: string, heading: string): Promise<readonly Step[]> {
  const text = await readFile(new URL(`../../docs/${page}`, import.meta.url), 'utf8')
  const section = text.split(`\n## ${heading}\n`)[1]?.split(/^## /m)[0]
  const steps = [...(section ?? '').matchAll(FENCE)].flatMap(
    ({ groups: { info = '', text: block = '' } = {} }) => stepOf(info, block),
  )
  if (steps.length === 0) throw new Error(`${page} has no steps under ${heading}`)
  return steps
}

function stepOf(info: string, text: string): readonly Step[] {
  const [language, name] = info.split(' ')
  if (language === 'diff' && name !== undefined) return [changeOf(name, text)]
  if (language === 'sql' && name?.endsWith('.sql')) return [{ kind: 'write', file: name, text }]
  if (language === 'sh' && name === undefined) return [{ kind: 'run', commands: text }]
  const file = FILE.exec(text)?.groups?.file
  if (file !== undefined) return [{ kind: 'write', file, text }]
  return name === undefined ? [] : [{ kind: 'shown', name, text }]
}

function changeOf(file: string, text: string): Step {
  const lines = text.split('\n').slice(0, -1)
  const without = (sign: string) =>
    lines
      .filter((line) => !line.startsWith(sign))
      .map((line) => `${line.slice(1)}\n`)
      .join('')
  return { kind: 'change', file, before: without('+'), after: without('-') }
}

/** What a page shows under a name. @throws {Error} where there is none */
export function shown(steps: readonly Step[], name: string): string {
  const step = steps.find((one) => one.kind === 'shown' && one.name === name)
  if (step?.kind !== 'shown') throw new Error(`The page shows nothing that is named ${name}`)
  return step.text
}

/** The variables that a page shows under a name, as `.env` has them. */
export function shownEnv(steps: readonly Step[], name: string): Record<string, string> {
  const lines = shown(steps, name).split('\n')
  return Object.fromEntries(
    lines.flatMap((line) => {
      const [, key, value = ''] = /^([A-Z_]+)=(.*)$/.exec(line) ?? []
      return key === undefined ? [] : [[key, value]]
    }),
  )
}
