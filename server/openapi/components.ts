import { isDeepStrictEqual } from 'node:util'
import { isRecord } from '../core/is-record.ts'
import type { JsonObject, JsonValue } from '../core/result.ts'
import { jsonSchemaOf } from '../wire/json-schema.ts'
import type { Schema } from '../wire/zod-schema.ts'
import { FAILURE_SCHEMAS } from './failures.ts'

/** What a document does not say of a schema, and where that schema is. */
export interface DocumentGap {
  /** Of what the schema is, such as `the input of action "inviteAttendee"`. */
  readonly of: string
  readonly path: string
  readonly reason: string
}

const PREFIX = '#/components/schemas/'

/** The schemas of a document by name, each written once. */
export class Components {
  readonly #schemas = new Map<string, JsonObject>(Object.entries(FAILURE_SCHEMAS))
  readonly #gaps: DocumentGap[] = []

  /** What could not be said, in the order in which it was met. */
  get gaps(): readonly DocumentGap[] {
    return this.#gaps
  }

  /** By name, so that the order does not depend on what was described first. */
  get schemas(): JsonObject {
    return Object.fromEntries([...this.#schemas].sort(([one], [other]) => (one < other ? -1 : 1)))
  }

  /** Gives the schema of this name; undefined where there is none. */
  get(name: string): JsonObject | undefined {
    return this.#schemas.get(componentName(name))
  }

  /** Describes a schema of zod's under a name. @param of what it is, for its gaps */
  describe(name: string, schema: Schema, io: 'input' | 'output', of: string): JsonObject {
    const { schema: json, gaps } = jsonSchemaOf(schema, io)
    this.#gaps.push(...gaps.map((gap) => ({ of, ...gap })))
    return this.add(name, json)
  }

  /**
   * Adds a JSON Schema under a name; its definitions are named after it.
   *
   * @returns a reference to it
   * @throws {Error} where another schema has the name
   */
  add(name: string, json: JsonObject): JsonObject {
    const own = componentName(name)
    const { $defs, ...schema } = json
    for (const [definition, body] of Object.entries(isRecord($defs) ? ($defs as JsonObject) : {}))
      this.#set(componentName(`${own}.${definition}`), withRefs(body, own) as JsonObject)
    this.#set(own, withRefs(schema, own) as JsonObject)
    return reference(own)
  }

  #set(name: string, schema: JsonObject): void {
    const other = this.#schemas.get(name)
    if (other && !isDeepStrictEqual(other, schema))
      throw new Error(`Two schemas of the OpenAPI document are named ${name}`)
    this.#schemas.set(name, schema)
  }
}

/** A reference to a schema of this name. */
export function reference(name: string): JsonObject {
  return { $ref: PREFIX + componentName(name) }
}

/** OpenAPI's names of components have these characters alone. */
function componentName(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, '_')
}

/** A schema's own references, `#` and `#/$defs/…`, as those of the document. */
function withRefs(value: JsonValue, name: string): JsonValue {
  if (Array.isArray(value)) return value.map((member: JsonValue) => withRefs(member, name))
  if (!isRecord(value)) return value
  return Object.fromEntries(
    Object.entries(value as JsonObject).map(([key, member]) => [
      key,
      key === '$ref' && typeof member === 'string' ? referred(member, name) : withRefs(member, name),
    ]),
  )
}

function referred(ref: string, name: string): string {
  if (ref === '#') return PREFIX + name
  const definition = /^#\/\$defs\/(.+)$/.exec(ref)?.[1]
  return definition === undefined ? ref : PREFIX + componentName(`${name}.${definition}`)
}
