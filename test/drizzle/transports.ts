import { isDeepStrictEqual } from 'node:util'
import { SuperJSON } from 'superjson'
import type { ActionResult } from '../../server/core/result.ts'
import { stringify } from '../../server/wire/to-json.ts'
import type { Cabinet } from './cabinet.ts'

export interface Found {
  readonly recordId: string
  readonly data: Readonly<Record<string, unknown>>
  readonly unreadable?: readonly string[]
}

export interface ListOptions {
  readonly where?: unknown
  readonly orderBy?: string
  readonly orderDir?: 'asc' | 'desc'
  readonly limit?: number
  readonly cursor?: string | null
}

export interface FoundPage {
  readonly records: readonly Found[]
  readonly nextCursor: string | null
}

type Data = Readonly<Record<string, unknown>>

/** The data API as it is reached from outside, and an action that adds. */
export interface Transport {
  create(collection: string, data: Data): Promise<ActionResult<{ readonly recordId: string }>>
  merge(collection: string, data: Data, recordId: string): Promise<ActionResult<unknown>>
  update(collection: string, recordId: string, patch: Data): Promise<ActionResult<unknown>>
  get(collection: string, recordId: string): Promise<ActionResult<{ readonly record: Found }>>
  list(collection: string, options: ListOptions): Promise<ActionResult<FoundPage>>
  increment(collection: string, id: string, amount: unknown): Promise<ActionResult<unknown>>
  /** A value as its answers say it. */
  said(value: unknown): unknown
  /** What may be sent for a value: plain JSON too, where the transport has more than that. */
  spellings(value: unknown): readonly unknown[]
}

/** What JSON makes of a value. */
const json = (value: unknown): unknown => JSON.parse(stringify(value))

/** Whether JSON says a value without another reading of it. */
export function isJson(value: unknown): boolean {
  try {
    return isDeepStrictEqual(json(value), value)
  } catch {
    return false
  }
}

const adder = (amount: unknown) => {
  const type = typeof amount
  return `add${type.charAt(0).toUpperCase()}${type.slice(1)}`
}

export function overRest({ url, headers }: Cabinet): Transport {
  const send = async (method: string, path: string, body?: unknown) => {
    const answer = await fetch(`${url}/api/${path}`, {
      method,
      headers,
      ...(body === undefined ? {} : { body: stringify(body) }),
    })
    return (await answer.json()) as never
  }
  return {
    create: (collection, data) => send('POST', `records/${collection}`, data),
    merge: (collection, data, id) => send('PUT', `records/${collection}/${id}`, data),
    update: (collection, id, patch) => send('PATCH', `records/${collection}/${id}`, patch),
    get: (collection, id) => send('GET', `records/${collection}/${id}`),
    list: (collection, options) => {
      const parameters = new URLSearchParams()
      for (const [name, value] of Object.entries(options)) {
        if (value === null || value === undefined) continue
        parameters.set(name, typeof value === 'string' ? value : stringify(value))
      }
      return send('GET', `records/${collection}?${parameters}`)
    },
    increment: (collection, id, amount) =>
      send('POST', `actions/${adder(amount)}`, { collection, id, amount }),
    said: json,
    spellings: (value) => [value],
  }
}

export function overTrpc({ url, headers }: Cabinet): Transport {
  const send = async (kind: 'query' | 'mutation', path: string, input: unknown) => {
    const text = JSON.stringify(SuperJSON.serialize(input))
    const answer =
      kind === 'query'
        ? await fetch(`${url}/trpc/${path}?input=${encodeURIComponent(text)}`, { headers })
        : await fetch(`${url}/trpc/${path}`, { method: 'POST', headers, body: text })
    const { result, error } = (await answer.json()) as { result?: { data: never }; error?: never }
    if (result) return SuperJSON.deserialize(result.data) as never
    const { data, message } = SuperJSON.deserialize<{ message: string; data: { code: string } }>(
      error as never,
    )
    return { success: false, code: data.code, error: message } as never
  }
  const records = (collection: string, verb: string) => `records.${collection}.${verb}`
  return {
    create: (collection, data) => send('mutation', records(collection, 'create'), { data }),
    merge: (collection, data, recordId) =>
      send('mutation', records(collection, 'create'), { data, recordId }),
    update: (collection, recordId, patch) =>
      send('mutation', records(collection, 'update'), { recordId, patch }),
    get: (collection, recordId) => send('query', records(collection, 'get'), { recordId }),
    list: (collection, options) => send('query', records(collection, 'list'), options),
    increment: (collection, id, amount) =>
      send('mutation', `actions.${adder(amount)}`, { collection, id, amount }),
    said: (value) => value,
    spellings: (value) => (isJson(value) ? [value] : [value, json(value)]),
  }
}
