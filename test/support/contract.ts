import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import {
  type ApiDocument,
  closed,
  type DescribedAnswer,
  escaped,
  type Operation,
  type Parameter,
  type Template,
  templateOf,
} from './api-document.ts'

/** A request and its answer, both whole. */
export interface Exchanged {
  readonly method: string
  /** The path and the query. */
  readonly target: string
  readonly header: (name: string) => string | undefined
  /** Then what it answers is told in no document, and all else is as without. */
  readonly isDryRun: boolean
  /** Undefined where it was not read. */
  readonly body: string | undefined
  readonly status: number
  readonly answerHeaders: Readonly<Record<string, string>>
  readonly answerBody: string
}

/** Headers that change what a request does. */
const REQUEST_HEADERS = ['idempotency-key', 'deputy-tell-writes', 'deputy-act-as']
/** Headers of HTTP itself, which say how an answer is sent and kept, and nothing of the call. */
const HTTP_HEADERS = new Set([
  'x-accel-buffering',
  ...[
    'content-type',
    'content-length',
    'content-encoding',
    'transfer-encoding',
    'connection',
    'keep-alive',
    'date',
  ],
  ...['cache-control', 'vary', 'etag', 'x-content-type-options'],
  ...['access-control-allow-origin', 'access-control-expose-headers'],
])
const JSON_TYPE = 'application/json'
const EVENTS_TYPE = 'text/event-stream'
const METHODS = ['get', 'put', 'post', 'delete', 'patch']

/**
 * What an OpenAPI document promises of each exchange. Requests may be wrong, as long as they are refused in a way that
 * the document lists.
 */
export class Contract {
  readonly #document: ApiDocument
  readonly #ajv = formats
    .default(new Ajv2020({ strict: false, validateSchema: false }))
    // An instant may be sent without its seconds; what is answered is held by its pattern.
    .addFormat('date-time', /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/)
  readonly #validators = new Map<string, ValidateFunction>()
  readonly #templates: readonly Template[]
  #statuses: ReadonlyMap<string | undefined, number> | undefined

  constructor(document: ApiDocument) {
    this.#document = document
    this.#ajv.addSchema(closed(document) as object, 'document')
    this.#templates = Object.keys(document.paths).map(templateOf)
  }

  /** Sentences that say where the document is not true of an exchange. */
  faultsOf(exchanged: Exchanged): readonly string[] {
    const { status } = exchanged
    const method = exchanged.method === 'HEAD' ? 'get' : exchanged.method.toLowerCase()
    const isSuccess = status < 400
    const [path = '', query = ''] = exchanged.target.split('?', 2)
    // An address means the same with its letters encoded (RFC 3986, 6.2.2.2).
    const place = this.#placeOf(
      path.replace(/%(?:2d|2e|5f|7e|3\d|[46][1-9a-f]|[57][\da])/gi, decodeURIComponent),
    )
    const operation = place && METHODS.includes(method) && this.#operation(place.path, method)
    const name = `${exchanged.method} ${place?.path ?? path}`
    if (!place || !operation) {
      if (isSuccess) return [`${name} answers ${status}, and the document has no such operation`]
      return this.#refusalFaults(exchanged, place?.path).map((fault) => `${name} answers ${status}: ${fault}`)
    }
    const at = `document#/paths/${escaped(place.path)}/${method}`
    const faults = this.#answerFaults(exchanged, operation, at)
    if (isSuccess)
      faults.push(...this.#requestFaults(exchanged, operation, at, { query, segments: place.segments }))
    return faults.map((fault) => `${name} answers ${status}: ${fault}`)
  }

  #placeOf(path: string) {
    const found = this.#templates.flatMap(({ path: template, names, pattern }) => {
      const groups = pattern.exec(path)?.slice(1)
      if (!groups) return []
      return [{ path: template, segments: new Map(names.map((name, at) => [name, groups[at] ?? ''])) }]
    })
    // `/api/jobs/retry` before `/api/jobs/{id}`.
    return found.sort((one, other) => one.segments.size - other.segments.size)[0]
  }

  #operation(path: string, method: string): Operation | undefined {
    const item = this.#document.paths[path]
    return item && Object.hasOwn(item, method) ? (item[method] as Operation) : undefined
  }

  #answerFaults(
    { method, status, isDryRun, answerHeaders, answerBody }: Exchanged,
    operation: Operation,
    at: string,
  ) {
    const declared = this.#resolved<DescribedAnswer>(operation.responses[status], `${at}/responses/${status}`)
    if (!declared) return ['the document does not list this status']
    const faults: string[] = []
    const { headers = {}, content = {} } = declared.value
    const names = new Map(
      Object.entries(headers).map(([name, header]) => [name.toLowerCase(), { name, header }]),
    )
    for (const name of Object.keys(answerHeaders))
      if (!names.has(name) && !HTTP_HEADERS.has(name))
        faults.push(`the answer has the header ${name}, which is not declared`)
    for (const [lower, { name, header }] of names) {
      const resolved = this.#resolved<typeof header>(header, `${declared.at}/headers/${escaped(name)}`)
      const value = answerHeaders[lower]
      if (resolved && value !== undefined) {
        const schema = `${resolved.at}/schema`
        faults.push(...this.#valueFaults(`the header ${name}`, schema, this.#asTyped(schema, value)))
      } else if (resolved?.value.required) faults.push(`the answer lacks the header ${name}`)
    }
    if (method === 'HEAD') return faults
    const type = answerHeaders['content-type']?.split(';')[0] ?? ''
    if (type === EVENTS_TYPE && declared.value['x-stream'])
      return [...faults, ...this.#eventFaults(`${declared.at}/x-stream/${escaped(type)}`, answerBody)]
    if (!Object.hasOwn(content, type))
      return [...faults, `the answer is ${type || 'nothing'}, which is not declared`]
    if (isDryRun && status < 400) return faults
    const where = `${declared.at}/content/${escaped(type)}/schema`
    return [...faults, ...this.#jsonFaults('the answer', where, answerBody)]
  }

  /** What is wrong with the events of a stream: with what each holds that is no other type's. */
  #eventFaults(content: string, text: string): string[] {
    const events = text.split('\n\n').filter((event) => event.includes('\ndata: '))
    return events
      .filter((event) => !event.startsWith('event: '))
      .flatMap((event) => [
        ...(event.startsWith('id: ') ? [] : ['an event has no id']),
        ...this.#jsonFaults(
          'an event',
          `${content}/x-itemSchema/properties/data/contentSchema`,
          event.slice(event.indexOf('\ndata: ') + '\ndata: '.length),
        ),
      ])
  }

  /** What is wrong with a refusal at an address, or of a method, that the document does not have. */
  #refusalFaults(exchanged: Exchanged, path: string | undefined): string[] {
    const { status, answerHeaders } = exchanged
    const taken = path === undefined ? [] : Object.keys(this.#document.paths[path] ?? {})
    // It is looked at only once it is known who calls, and whether they may call now.
    if (path !== undefined && status === 404)
      return ['the document has the address, with another method: 405 says so']
    if (status === 405 && path !== undefined) {
      const allowed = (answerHeaders.allow ?? '').toLowerCase().split(/, */)
      const told = allowed.filter((method) => method !== 'head').sort()
      if (
        told.join() !==
        taken
          .filter((method) => METHODS.includes(method))
          .sort()
          .join()
      )
        return [`Allow says ${answerHeaders.allow}, and the document has ${taken.join(', ')}`]
    }
    const responses = this.#document.components?.responses as Record<string, DescribedAnswer> | undefined
    const name = Object.keys(responses ?? {}).find((each) => this.#statusOf(each) === status)
    if (name === undefined) return ['the document has no such failure']
    const operation = { responses: { [status]: { $ref: `#/components/responses/${name}` } } }
    return this.#answerFaults(exchanged, operation as unknown as Operation, '')
  }

  /** The status of a failure, by any operation that lists it. */
  #statusOf(response: string): number | undefined {
    this.#statuses ??= new Map(
      Object.values(this.#document.paths)
        .flatMap((path) => Object.values(path) as Operation[])
        .flatMap(({ responses }) => Object.entries(responses))
        .map(([status, answer]) => [(answer as { $ref?: string }).$ref, Number(status)]),
    )
    return this.#statuses.get(`#/components/responses/${response}`)
  }

  #requestFaults(
    { header, body, answerHeaders }: Exchanged,
    operation: Operation,
    at: string,
    { query, segments }: { readonly query: string; readonly segments: ReadonlyMap<string, string> },
  ): readonly string[] {
    const faults: string[] = []
    const security = operation.security ?? this.#document.security ?? []
    const needsToken = security.length > 0 && !security.some((scheme) => Object.keys(scheme).length === 0)
    if (needsToken && header('authorization') === undefined)
      faults.push('it was called without a token, which the document asks for')
    const parameters = (operation.parameters ?? []).flatMap((parameter, index) => {
      const resolved = this.#resolved<Parameter>(parameter, `${at}/parameters/${index}`)
      return resolved ? [resolved] : []
    })
    const given = new Map(new URLSearchParams(query))
    for (const { value: parameter, at: where } of parameters) {
      const text =
        parameter.in === 'path'
          ? decodeURIComponent(segments.get(parameter.name) ?? '')
          : parameter.in === 'query'
            ? given.get(parameter.name)
            : header(parameter.name.toLowerCase())
      if (text === undefined) {
        if (parameter.required) faults.push(`it was called without ${parameter.name}, which is required`)
        continue
      }
      const [type] = Object.keys(parameter.content ?? {})
      const schema = type === undefined ? `${where}/schema` : `${where}/content/${escaped(type)}/schema`
      const what = `the parameter ${parameter.name}`
      faults.push(
        ...(type === undefined
          ? this.#valueFaults(what, schema, this.#asTyped(schema, text))
          : this.#jsonFaults(what, schema, text)),
      )
    }
    const isDeclared = (place: Parameter['in'], name: string) =>
      parameters.some(({ value }) => value.in === place && value.name.toLowerCase() === name.toLowerCase())
    for (const name of given.keys())
      if (!isDeclared('query', name)) faults.push(`the parameter ${name} was taken, which is not declared`)
    for (const name of REQUEST_HEADERS)
      if (header(name) !== undefined && !isDeclared('header', name))
        faults.push(`the header ${name} was taken, which is not declared`)
    // What is answered by its key again was taken before, perhaps by an earlier version of the app.
    if (answerHeaders['idempotency-replayed'] !== undefined) return faults
    return [...faults, ...this.#bodyFaults(body ?? '', operation, at)]
  }

  #bodyFaults(body: string, operation: Operation, at: string): readonly string[] {
    const declared = this.#resolved<NonNullable<Operation['requestBody']>>(
      operation.requestBody,
      `${at}/requestBody`,
    )
    if (body === '')
      return declared?.value.required ? ['it was called without a body, which is required'] : []
    if (!declared) return ['a body was taken, which is not declared']
    if (!Object.hasOwn(declared.value.content, JSON_TYPE)) return ['the body is JSON, which is not declared']
    const where = `${declared.at}/content/${escaped(JSON_TYPE)}/schema`
    return this.#jsonFaults('the body', where, body)
  }

  /** What a text of an address stands for: the number that it spells, where the schema refuses the text itself. */
  #asTyped(at: string, text: string): unknown {
    const isNumber = /^-?\d+$/.test(text)
    const isKnown = isNumber || text === 'true' || text === 'false'
    return isKnown && !this.#validator(at)(text) ? JSON.parse(text) : text
  }

  #jsonFaults(what: string, at: string, text: string): readonly string[] {
    try {
      return this.#valueFaults(what, at, JSON.parse(text))
    } catch (error) {
      if (error instanceof SyntaxError) return [`${what} is no JSON: ${text.slice(0, 80)}`]
      throw error
    }
  }

  #valueFaults(what: string, at: string, value: unknown): readonly string[] {
    const validate = this.#validator(at)
    if (validate(value)) return []
    const [error] = validate.errors ?? []
    const detail = JSON.stringify(error?.params ?? {})
    return [`${what} is not as declared at "${error?.instancePath}": ${error?.message} ${detail}`]
  }

  #validator(at: string): ValidateFunction {
    const known = this.#validators.get(at)
    if (known) return known
    const made = this.#ajv.compile({ $ref: at })
    this.#validators.set(at, made)
    return made
  }

  /** What a `$ref` leads to, and where that is. */
  #resolved<T>(value: unknown, at: string): { readonly value: T; readonly at: string } | undefined {
    if (value === undefined) return undefined
    const reference = (value as { $ref?: string }).$ref
    if (reference === undefined) return { value: value as T, at }
    let target: unknown = this.#document
    for (const part of reference.slice(2).split('/'))
      target = (target as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')]
    return this.#resolved<T>(target, `document${reference}`)
  }
}
