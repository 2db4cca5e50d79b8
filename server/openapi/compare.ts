import { isRecord } from '../core/is-record.ts'
import type { JsonObject, JsonValue } from '../core/result.ts'
import { objectOf, resolved } from './schema-words.ts'
import { beyond } from './subset.ts'

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const

/**
 * Lists what breaks clients of an older document: an address, a field or a status that is gone, an input that takes
 * less, an answer that may be more. Both are documents that `createDocument` wrote.
 *
 * @throws {UnusableDocument} where a reference leads nowhere
 */
export function breakingChanges(before: JsonObject, after: JsonObject): readonly string[] {
  const [old, now] = [objectOf(before.paths), objectOf(after.paths)]
  const changes: string[] = []
  for (const [path, operations] of Object.entries(old)) {
    for (const method of METHODS) {
      const was = objectOf(operations)[method]
      if (!isRecord(was)) continue
      const name = `${method.toUpperCase()} ${path}`
      const is = objectOf(now[path])[method]
      if (!isRecord(is)) changes.push(`${name}: is gone`)
      else
        changes.push(...changesOf(was as JsonObject, is as JsonObject).map((change) => `${name}: ${change}`))
    }
  }
  return changes

  function changesOf(was: JsonObject, is: JsonObject): readonly string[] {
    const closed = isOpen(was, before) && !isOpen(is, after) ? ['needs a token'] : []
    return [...closed, ...parameterChanges(was, is), ...bodyChanges(was, is), ...answerChanges(was, is)]
  }

  function parameterChanges(was: JsonObject, is: JsonObject): readonly string[] {
    const [older, newer] = [parametersOf(was, before), parametersOf(is, after)]
    const gone = [...older.keys()].filter((key) => !newer.has(key)).map((key) => `parameter ${key} is gone`)
    const needed = [...newer].flatMap(([key, { required }]) =>
      required === true && older.get(key)?.required !== true ? [`parameter ${key} is needed`] : [],
    )
    const narrowed = [...older].flatMap(([key, parameter]) => {
      const same = newer.get(key)
      return same ? lessTaken(schemaOf(parameter), schemaOf(same), `parameter ${key}`) : []
    })
    return [...gone, ...needed, ...narrowed]
  }

  function bodyChanges(was: JsonObject, is: JsonObject): readonly string[] {
    const [older, newer] = [objectOf(was.requestBody), objectOf(is.requestBody)]
    if (!isRecord(was.requestBody)) return newer.required === true ? ['a body is needed'] : []
    if (!isRecord(is.requestBody)) return ['takes no body']
    const needed = newer.required === true && older.required !== true ? ['a body is needed'] : []
    const types = gone(older.content, newer.content).map((type) => `input no longer takes the type ${type}`)
    return [...needed, ...types, ...lessTaken(schemaOf(older), schemaOf(newer), 'input')]
  }

  function lessTaken(was: JsonValue | undefined, is: JsonValue | undefined, what: string): readonly string[] {
    const taken = { schema: was, document: before }
    return beyond(taken, { schema: is, document: after }, { ignoresMore: false }).map(
      (place) => `${what} no longer takes ${place}`,
    )
  }

  function answerChanges(was: JsonObject, is: JsonObject): readonly string[] {
    const [older, newer] = [objectOf(was.responses), objectOf(is.responses)]
    const changes: string[] = []
    for (const status of Object.keys(older)) if (!(status in newer)) changes.push(`status ${status} is gone`)
    for (const [status, response] of Object.entries(newer)) {
      if (!(status in older)) {
        changes.push(`may answer with status ${status}`)
        continue
      }
      const [was, is] = [objectOf(resolved(older[status], before)), objectOf(resolved(response, after))]
      const headers = gone(was.headers, is.headers).map((header) => `no longer has the header ${header}`)
      const types = gone(is.content, was.content).map((type) => `may be of the type ${type}`)
      changes.push(...[...headers, ...types].map((change) => `the answer ${status} ${change}`))
      const sent = { schema: schemaOf(is), document: after }
      const known = { schema: schemaOf(was), document: before }
      const more = beyond(sent, known, { ignoresMore: true })
      changes.push(...more.map((place) => `the answer ${status} may be ${place}`))
    }
    return changes
  }
}

function parametersOf(operation: JsonObject, document: JsonObject): ReadonlyMap<string, JsonObject> {
  const list = Array.isArray(operation.parameters) ? (operation.parameters as JsonValue[]) : []
  const parameters = list.map((parameter) => objectOf(resolved(parameter, document)))
  return new Map(parameters.map((parameter) => [`${parameter.name} in ${parameter.in}`, parameter]))
}

/** Whether an operation may be called without a token. */
function isOpen(operation: JsonObject, document: JsonObject): boolean {
  const security = operation.security ?? document.security
  if (!Array.isArray(security)) return true
  return security.length === 0 || security.some((each) => isRecord(each) && Object.keys(each).length === 0)
}

/** The keys of one that the other has not. */
function gone(of: JsonValue | undefined, other: JsonValue | undefined): readonly string[] {
  return Object.keys(objectOf(of)).filter((key) => !Object.hasOwn(objectOf(other), key))
}

/** The schema of a parameter, a body or an answer. */
function schemaOf(holder: JsonObject): JsonValue | undefined {
  return holder.schema ?? objectOf(objectOf(holder.content)['application/json']).schema
}
