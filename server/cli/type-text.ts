// Reads the types that the compiler wrote for `written-types.ts`, and prints them in an order of their own: that of the
// compiler depends on its version, and on what else it has seen.
import { CommandError } from './command-error.ts'

const TOKEN =
  /\s*(?:(\/\*.*?\*\/)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(`(?:[^`\\]|\\.)*`)|(-?\d[\w.]*)|([\p{ID_Start}$_][\p{ID_Continue}$]*)|(\.\.\.|=>|[{}[\]()<>|&,;:?.]))/suy
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u
const PRIMITIVES: ReadonlySet<string> = new Set([
  'any',
  'bigint',
  'boolean',
  'false',
  'never',
  'null',
  'number',
  'string',
  'true',
  'undefined',
  'unknown',
  'void',
])
/** They end a union. */
const LAST = ['null', 'undefined', 'void']
/** A type of this length stands in one line. */
const MAX_INLINE = 100

/** Reads a type of `written-types.ts`, and prints it. @throws {CommandError} where it has a name, or no call carries it. */
export function printWrittenType(written: string, place: string): string {
  const parser = new Parser(written, place)
  const type = parser.type([])
  parser.end()
  return type
}

/** Prints an object type of fields that are in order. */
export function printObject(fields: readonly string[]): string {
  if (fields.length === 0) return '{}'
  const inline = `{ ${fields.join('; ')} }`
  if (inline.length <= MAX_INLINE && !inline.includes('\n')) return inline
  return `{\n${fields.map((field) => indented(field)).join('\n')}\n}`
}

/** Prints a name with its arguments. */
function printReference(name: string, args: readonly string[]): string {
  return `${name}<${args.join(', ')}>`
}

/** Prints the key of an object type. */
export function printKey(name: string): string {
  return IDENTIFIER.test(name) ? name : quoted(name)
}

/** Orders by code units, the same on every machine. */
export function byText(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}

type Path = readonly string[]

class Parser {
  readonly #tokens: readonly string[]
  readonly #place: string
  #at = 0

  constructor(text: string, place: string) {
    this.#place = place
    this.#tokens = this.#tokensOf(text)
  }

  end(): void {
    if (this.#at < this.#tokens.length) this.#refuse([], `has a part that is not understood: ${this.#peek()}`)
  }

  type(path: Path): string {
    this.#take('|')
    const members = [this.#postfix(path)]
    while (this.#take('|')) members.push(this.#postfix(path))
    if (this.#peek() === '&') this.#refuse(path, 'is an intersection of types that are no objects')
    return union(members)
  }

  #postfix(path: Path): string {
    const isReadonly = this.#take('readonly')
    let type = this.#primary(path)
    let isList = false
    while (this.#peek() === '[' && this.#peek(1) === ']') {
      this.#at += 2
      type = `${type}[]`
      isList = true
    }
    return isReadonly && (isList || type.startsWith('[')) ? `readonly ${type}` : type
  }

  #primary(path: Path): string {
    const token = this.#next()
    if (token === '{') return this.#object(path)
    if (token === '[') return this.#tuple(path)
    if (token === '(') {
      const type = this.type(path)
      this.#expect(')', path)
      return / \| |^readonly /.test(type) ? `(${type})` : type
    }
    if (/^["']/.test(token)) return quoted(unquoted(token))
    if (token.startsWith('`')) return token
    if (/^-?\d/.test(token) || PRIMITIVES.has(token)) return token
    if (token === 'import') this.#refuse(path, `has the type ${this.#imported()}, which clients do not have`)
    if (IDENTIFIER.test(token)) return this.#reference(token, path)
    return this.#refuse(path, `has a part that is not understood: ${token}`)
  }

  #reference(name: string, path: Path): string {
    const args = this.#arguments(path)
    const [first = ''] = args
    switch (name) {
      case 'WrittenLeaf':
        return first
      case 'WrittenDate':
        return 'Date'
      case 'WrittenJson':
        return 'JsonValue'
      case 'WrittenFailure':
        return 'Failure'
      case 'WrittenSuccess':
        return printReference('Success', args)
      case 'WrittenEnvelope':
        return printReference('RecordEnvelope', args)
      case 'WrittenPage':
        return printReference('Page', args)
      case 'WrittenOptions':
        return printReference('QueryOptions', args)
      case 'WrittenQuery':
        return printReference('TypedQuery', args)
      case 'WrittenMutation':
        return printReference('TypedMutation', args)
      case 'WrittenCollection':
        return collection(args)
      case 'WrittenRefusal':
        return this.#refuse(path, `is ${unquoted(first)}, which no call carries`)
      default:
        return this.#refuse(path, `has the type ${name}, which clients do not have`)
    }
  }

  /** Reads what follows `import` in a type. */
  #imported(): string {
    const [, file = '', , , name = ''] = this.#tokens.slice(this.#at)
    return `${name} of ${unquoted(file)}`
  }

  #arguments(path: Path): string[] {
    if (!this.#take('<')) return []
    const args: string[] = []
    do args.push(this.type(path))
    while (this.#take(','))
    this.#expect('>', path)
    return args
  }

  #object(path: Path): string {
    const fields: { readonly key: string; readonly text: string }[] = []
    while (!this.#take('}')) {
      const modifier = this.#peek() === 'readonly' && !/^[?:]$/.test(this.#peek(1)) ? 'readonly ' : ''
      if (modifier) this.#at++
      const { key, inner } = this.#key(path)
      const optional = this.#take('?') ? '?' : ''
      this.#expect(':', path)
      fields.push({ key, text: `${modifier}${key}${optional}: ${this.type([...path, inner])}` })
      if (!this.#take(';')) this.#take(',')
    }
    return printObject(fields.sort((one, other) => byText(one.key, other.key)).map(({ text }) => text))
  }

  #key(path: Path): { readonly key: string; readonly inner: string } {
    const token = this.#next()
    if (token === '[') {
      const name = this.#next()
      if (!this.#take(':')) this.#refuse(path, `has a field that is no text: [${name}]`)
      const type = this.type(path)
      this.#expect(']', path)
      return { key: `[key: ${type}]`, inner: '[key]' }
    }
    if (/^["']/.test(token)) return { key: printKey(unquoted(token)), inner: unquoted(token) }
    return { key: token, inner: token }
  }

  #tuple(path: Path): string {
    const elements: string[] = []
    while (!this.#take(']')) {
      const rest = this.#take('...') ? '...' : ''
      const isLabelled = IDENTIFIER.test(this.#peek()) && /^[?:]$/.test(this.#peek(1))
      if (isLabelled) {
        const label = this.#next()
        const optional = this.#take('?') ? '?' : ''
        this.#expect(':', path)
        elements.push(`${rest}${label}${optional}: ${this.type([...path, label])}`)
      } else {
        const type = this.type([...path, String(elements.length)])
        elements.push(`${rest}${type}${this.#take('?') ? '?' : ''}`)
      }
      this.#take(',')
    }
    return `[${elements.join(', ')}]`
  }

  #peek(ahead = 0): string {
    return this.#tokens[this.#at + ahead] ?? ''
  }

  #next(): string {
    return this.#tokens[this.#at++] ?? ''
  }

  #take(token: string): boolean {
    if (this.#peek() !== token) return false
    this.#at++
    return true
  }

  #expect(token: string, path: Path): void {
    if (!this.#take(token)) this.#refuse(path, `has a part that is not understood: ${this.#peek()}`)
  }

  #tokensOf(text: string): string[] {
    const tokens: string[] = []
    TOKEN.lastIndex = 0
    for (let at = 0; text.slice(at).trim() !== ''; at = TOKEN.lastIndex) {
      const [whole, comment] = TOKEN.exec(text) ?? []
      if (whole === undefined)
        return this.#refuse([], `has a part that is not understood: ${text.slice(at, at + 40).trim()}`)
      if (comment?.includes('elided'))
        return this.#refuse([], 'has a type that contains itself, or more than ten levels of fields')
      if (comment === undefined) tokens.push(whole.trim())
    }
    return tokens
  }

  #refuse(path: Path, problem: string): never {
    throw new CommandError(`${[this.#place, ...path].join('.')} ${problem}`)
  }
}

/** Joins the members of a union in their order. */
function union(members: readonly string[]): string {
  const all = new Set(members)
  if (all.has('true') && all.has('false')) {
    all.delete('true')
    all.delete('false')
    all.add('boolean')
  }
  if (all.size > 1) all.delete('never')
  const successes = [...all].filter((member) => member.startsWith('Success<'))
  const [success] = successes
  if (success !== undefined && successes.length === 1 && all.has('Failure')) {
    all.delete('Failure')
    all.delete(success)
    all.add(success.replace('Success', 'ActionResult'))
  }
  const sorted = [...all].sort((one, other) => LAST.indexOf(one) - LAST.indexOf(other) || byText(one, other))
  return sorted.join(' | ')
}

function collection([
  record = '',
  compared = '',
  create = '',
  patch = '',
  merge = '',
]: readonly string[]): string {
  const types = [
    `callerRecord: ${record}`,
    `compared: ${compared}`,
    `callerCreate: ${create}`,
    `callerPatch: ${patch}`,
    `callerMerge: ${merge}`,
  ]
  return printReference('CollectionProcedures', [printObject(types.sort(byText))])
}

function indented(text: string): string {
  return `  ${text.replaceAll('\n', '\n  ')}`
}

function quoted(text: string): string {
  const json = JSON.stringify(text).slice(1, -1)
  return `'${json.replaceAll('\\"', '"').replaceAll("'", "\\'")}'`
}

const ESCAPED: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  b: '\b',
  f: '\f',
  v: '\v',
  0: '\0',
}

function unquoted(token: string): string {
  return token
    .slice(1, -1)
    .replace(
      /\\(?:u\{([0-9a-f]+)\}|u([0-9a-f]{4})|x([0-9a-f]{2})|(.))/gis,
      (_, braced, four, two, one: string) => {
        const code = braced ?? four ?? two
        return code === undefined ? (ESCAPED[one] ?? one) : String.fromCodePoint(Number.parseInt(code, 16))
      },
    )
}
