import type { JsonValue } from '../core/result.ts'

const REDACTED = '[redacted]'

/** A shorter secret is a part of too many other texts to be told apart from them; it is not looked for. */
export const MIN_SECRET_CHARACTERS = 8
/** From here on a secret is found within other words too: nothing else holds it by chance. */
const UNMISTAKABLE_CHARACTERS = 16

/**
 * A copy of an answer in which `[redacted]` stands for every secret, in keys and values: as it is, and as base64, in a
 * URL, and in JSON within text. All else stays as it is. It works on parsed JSON, so that no escape in the text can
 * hide one.
 */
export function redactSecrets(value: JsonValue, secrets: readonly string[]): JsonValue {
  const known = secrets.filter((secret) => secret.length >= MIN_SECRET_CHARACTERS)
  if (known.length === 0) return value
  let pattern = patterns.get(secrets)
  if (!pattern) {
    pattern = patternOf(known)
    patterns.set(secrets, pattern)
  }
  return replaceAll(value, pattern, known)
}

/** By the list that a connection keeps: its answers are many. */
const patterns = new WeakMap<readonly string[], RegExp>()

function replaceAll(value: JsonValue, pattern: RegExp, known: readonly string[]): JsonValue {
  const numbers = new Set(known.filter((secret) => /^\d+$/.test(secret)).map(Number))
  const visit = (part: JsonValue): JsonValue => {
    if (typeof part === 'string') return part.replace(pattern, REDACTED)
    if (typeof part === 'number') return numbers.has(part) ? REDACTED : part
    if (typeof part !== 'object' || part === null) return part
    if (isList(part)) return part.map(visit)
    return Object.fromEntries(
      Object.entries(part).map(([key, member]) => [key.replace(pattern, REDACTED), visit(member)]),
    )
  }
  return visit(value)
}

function patternOf(secrets: readonly string[]): RegExp {
  const forms = new Map<string, string>()
  for (const secret of secrets) {
    for (const form of textForms(secret)) forms.set(form, bounded(form))
    for (const form of base64Forms(secret)) forms.set(form, escaped(form))
  }
  // The longest first: a secret that begins like another one goes as a whole.
  const longestFirst = [...forms].sort(([a], [b]) => b.length - a.length)
  return new RegExp(longestFirst.map(([, source]) => source).join('|'), 'gu')
}

/** As it is, percent-encoded, form-encoded, and in JSON within text, with its slashes escaped or not. */
function textForms(secret: string): readonly string[] {
  const json = JSON.stringify(secret).slice(1, -1)
  const form = new URLSearchParams({ '': secret }).toString().slice(1)
  return [secret, json, json.replaceAll('/', '\\/'), encodeURIComponent(secret.toWellFormed()), form]
}

/** A short one counts where it stands as a word of its own: in `password_hint`, `password` is no secret. */
function bounded(form: string): string {
  // Hexadecimal digits of percent-encoding come in either case.
  const source = escaped(form).replace(/%[0-9A-F]{2}/g, (code) => `(?:${code}|${code.toLowerCase()})`)
  return form.length >= UNMISTAKABLE_CHARACTERS ? source : `(?<![\\p{L}\\p{N}_])${source}(?![\\p{L}\\p{N}_])`
}

/**
 * What every base64 of a text that holds the secret has in it: three forms, for it may begin at any byte of three.
 * The characters at its ends hang on what stands beside it.
 */
function base64Forms(secret: string): readonly string[] {
  const bytes = Buffer.from(secret)
  return [0, 1, 2].flatMap((before) => {
    const encoded = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '')
    const start = before === 0 ? 0 : before + 1
    const end = Math.floor(((before + bytes.length) * 8) / 6)
    const stable = encoded.slice(start, end)
    return [stable, stable.replaceAll('+', '-').replaceAll('/', '_')]
  })
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}
