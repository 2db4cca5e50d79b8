import { isObject, type JsonSchema, resolved, type Schemas } from '../../form/schema.ts'
import { headersOf, type Sent } from './run.ts'

/** Writes a call as a command. `$TOKEN` stands for the token. */
export function curlOf(origin: string, sent: Sent): string {
  const headers = { 'Content-Type': 'application/json', ...headersOf(sent) }
  return [
    `curl -s ${quoted(`${origin}/api/actions/${sent.action}`)}`,
    '-H "Authorization: Bearer $TOKEN"',
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    `-d ${quoted(JSON.stringify(sent.input))}`,
  ].join(' \\\n  ')
}

/** A word that a shell takes as it stands. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}

export interface Typed {
  readonly kind: 'query' | 'mutation'
  readonly schema: JsonSchema
  readonly schemas: Schemas
}

/** Writes a call with the typed client. */
export function typescriptOf(origin: string, sent: Sent, { kind, schema, schemas }: Typed): string {
  const verb = kind === 'query' ? 'query' : 'mutate'
  const context =
    sent.key === undefined ? '' : `, {\n  context: { idempotencyKey: ${JSON.stringify(sent.key)} },\n}`
  const acting = sent.actAs === '' ? '' : `, actAs: ${JSON.stringify(sent.actAs)}`
  return [
    ...(sent.isDry ? ['// A dry run has no option of the client: it is the header Deputy-Dry-Run.'] : []),
    `const client = createClient<AppRouter>({ url: ${JSON.stringify(origin)}, token${acting} })`,
    `await client.actions.${sent.action}.${verb}(${codeOf(sent.input, schema, schemas, '')}${context})`,
  ].join('\n')
}

/** Writes a value as the client takes it: dates are dates there. */
function codeOf(value: unknown, given: JsonSchema, schemas: Schemas, indent: string): string {
  const schema = resolved(given, schemas)
  const inner = `${indent}  `
  if (typeof value === 'string' && schema.format === 'date-time') return `new Date(${JSON.stringify(value)})`
  if (Array.isArray(value)) {
    const items = value.map((item) => `${inner}${codeOf(item, schema.items ?? {}, schemas, inner)},\n`)
    return items.length === 0 ? '[]' : `[\n${items.join('')}${indent}]`
  }
  if (!isObject(value)) return JSON.stringify(value) ?? 'undefined'
  const fields = Object.entries(value).map(([name, field]) => {
    const key = /^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)
    return `${inner}${key}: ${codeOf(field, schema.properties?.[name] ?? {}, schemas, inner)},\n`
  })
  return fields.length === 0 ? '{}' : `{\n${fields.join('')}${indent}}`
}
