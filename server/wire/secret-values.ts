import type { z } from 'zod'
import { isRecord } from '../core/is-record.ts'
import { redact, SECRET } from './redact.ts'

type Secret = string | number | bigint

/** A shorter text is a part of too many others to be looked for in them: it counts as a whole. */
const MIN_PART_CHARACTERS = 8
/** A JSON Web Token, in whatever text. */
const TOKEN = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g

/** The texts and numbers in a parsed input that its schema marks secret. */
export function secretValues(schema: z.core.$ZodType, value: unknown): readonly Secret[] {
  const found = new Set<Secret>()
  const collect = (part: unknown) => {
    if (part === '') return
    if (typeof part === 'string' || typeof part === 'number' || typeof part === 'bigint') found.add(part)
    else for (const [key, inner] of membersOf(part)) [key, inner].forEach(collect)
  }
  const compare = (shown: unknown, part: unknown) => {
    if (shown === SECRET) return collect(part)
    const members = membersOf(part)
    // What was left out of has as many members, in the same order; a key may have been left out too.
    for (const [position, [key, inner]] of membersOf(shown).entries()) {
      const [ownKey, own] = members[position] ?? []
      if (key !== ownKey) collect(ownKey)
      compare(inner, own)
    }
  }
  compare(redact(schema, value), value)
  return [...found]
}

/** A copy of an answer without these values, in whatever text they stand, and without tokens. */
export function withoutSecretValues<T>(answer: T, secrets: readonly Secret[]): T {
  const whole = new Set<unknown>(secrets)
  const parts = secrets
    .filter((secret) => typeof secret === 'string')
    .filter(({ length }) => length >= MIN_PART_CHARACTERS)
    .sort((a, b) => b.length - a.length)
  const inText = (text: string) =>
    whole.has(text)
      ? SECRET
      : parts.reduce((left, part) => left.replaceAll(part, SECRET), text).replace(TOKEN, SECRET)
  const visit = (value: unknown): unknown => {
    if (typeof value === 'string') return inText(value)
    if (Array.isArray(value)) return value.map(visit)
    if (isRecord(value))
      return Object.fromEntries(Object.entries(value).map(([key, member]) => [inText(key), visit(member)]))
    return whole.has(value) ? SECRET : value
  }
  return visit(answer) as T // The same shape.
}

function membersOf(value: unknown): readonly (readonly [key: unknown, member: unknown])[] {
  if (Array.isArray(value)) return value.map((member, position) => [position, member] as const)
  if (value instanceof Set) return [...value].map((member, position) => [position, member] as const)
  if (value instanceof Map) return [...value]
  return isRecord(value) ? Object.entries(value) : []
}
