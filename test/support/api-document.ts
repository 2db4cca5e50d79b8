/** An OpenAPI document, as far as it is looked at here. */
export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components?: Readonly<Record<string, unknown>>
  readonly security?: readonly object[]
}

export interface Parameter {
  readonly in: 'query' | 'path' | 'header'
  readonly name: string
  readonly required?: boolean
  readonly schema?: Described
  readonly content?: Readonly<Record<string, { readonly schema?: Described }>>
}

export interface Operation {
  readonly parameters?: readonly Parameter[]
  readonly security?: readonly object[]
  readonly requestBody?: {
    readonly required?: boolean
    readonly content: Readonly<Record<string, { readonly schema?: Described }>>
  }
  readonly responses: Readonly<Record<string, DescribedAnswer>>
}

export interface DescribedAnswer {
  readonly headers?: Readonly<Record<string, { readonly required?: boolean; readonly schema?: Described }>>
  readonly content?: Readonly<Record<string, { readonly schema?: Described }>>
  /** What it is sent as to those who ask for a stream. */
  readonly 'x-stream'?: Described
}

type Described = Readonly<Record<string, unknown>>

export interface Template {
  readonly path: string
  readonly names: readonly string[]
  readonly pattern: RegExp
}

/** Takes a path apart: `/api/jobs/{id}`. */
export function templateOf(path: string): Template {
  const literal = (text: string) => text.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')
  const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = '']) => name)
  return {
    path,
    names,
    pattern: new RegExp(
      `^${path
        .split(/\{[^}]+\}/)
        .map(literal)
        .join('([^/]+)')}$`,
    ),
  }
}

/** As a part of a JSON pointer, in a URI. */
export function escaped(part: string): string {
  return encodeURIComponent(part.replaceAll('~', '~0').replaceAll('/', '~1'))
}

/** Values in a document, which are no schemas. */
const VALUES = ['const', 'enum', 'default', 'example', 'examples']

/** The document with each object closed that does not say whether it is: what is not declared is a fault here. */
export function closed(value: unknown, isPart = false): unknown {
  if (Array.isArray(value)) return value.map((item) => closed(item, isPart))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]) => [
    key,
    VALUES.includes(key) ? inner : closed(inner, key === 'allOf'),
  ])
  const made: Record<string, unknown> = Object.fromEntries(entries)
  const isOpen = made.additionalProperties === undefined && made.unevaluatedProperties === undefined
  const isObject = made.type === 'object' && typeof made.properties === 'object'
  if (isObject && isOpen && !isPart) made.unevaluatedProperties = false
  return made
}
