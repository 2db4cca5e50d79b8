/** Names that PostgreSQL takes for a type, and the one that it calls it. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ['bool', 'boolean'],
  ['bpchar', 'character'],
  ['char', 'character'],
  ['dec', 'numeric'],
  ['decimal', 'numeric'],
  ['float', 'double precision'],
  ['float4', 'real'],
  ['float8', 'double precision'],
  ['int', 'integer'],
  ['int2', 'smallint'],
  ['int4', 'integer'],
  ['int8', 'bigint'],
  ['serial', 'integer'],
  ['smallserial', 'smallint'],
  ['bigserial', 'bigint'],
  ['timestamptz', 'timestamp with time zone'],
  ['timetz', 'time with time zone'],
  ['varbit', 'bit varying'],
  ['varchar', 'character varying'],
])

/** Types whose size in brackets is always written the same. Of others, such as those of extensions, it may not be. */
const SIZED =
  /^(?:numeric|character|character varying|bit|bit varying|(?:time|timestamp)(?: with time zone)?)$/
/** What a size is where none is given. */
const DEFAULT_SIZES: ReadonlyMap<string, string> = new Map([
  ['character', '1'],
  ['bit', '1'],
])

/** Whether two names are those of one column type: as Drizzle writes it, and as `format_type` does. */
export function isSameType(one: string, other: string): boolean {
  const [a, b] = [parsed(one), parsed(other)]
  if (a.name !== b.name || a.isArray !== b.isArray) return false
  return !SIZED.test(a.name) || a.size === b.size
}

function parsed(type: string): { readonly name: string; readonly size: string; readonly isArray: boolean } {
  const isArray = /\[\d*\]\s*$/.test(type)
  const element = type.replaceAll(/\[\d*\]/g, '').trim()
  const given = /\(([^)]*)\)/.exec(element)?.[1]
  const plain = element
    .replace(/\s*\([^)]*\)/, '')
    .replaceAll('"', '')
    .replace(/ without time zone$/, '')
    .trim()
    .toLowerCase()
  // Drizzle does not say the schema of a type that is in none of its own.
  const unqualified = plain.slice(plain.lastIndexOf('.') + 1)
  const name = ALIASES.get(unqualified) ?? unqualified
  const size = (given ?? DEFAULT_SIZES.get(name) ?? '').replaceAll(/\s/g, '')
  return { name, isArray, size: name === 'numeric' ? size.replace(/,0$/, '') : size }
}
