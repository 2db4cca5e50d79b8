import type { MutationKey, QueryKey } from '@tanstack/react-query'
import { transformer } from '../core/transformer.ts'

/** A procedure of one server, as queries and mutations are keyed by it. */
export interface Procedure {
  /** The name of the deputy, which keys begin with. */
  readonly name: string
  /** As the router has it: `actions.createEvent`, `records.events.list`. */
  readonly path: readonly string[]
  /** Whether failures are data. */
  readonly asResult: boolean
}

/** What of TanStack Query's options is the caller's. */
export type MoreOptions = Readonly<Record<string, unknown>>

/** What queries are told apart by that read the same in different forms. */
interface Form {
  readonly form: 'result' | 'infinite' | 'infinite result'
}

/** Makes a query's key: the name, the path, the input as JSON can say it, and the form where it is not the usual one. */
export function queryKeyOf(
  { name, path, asResult }: Procedure,
  input?: unknown,
  isInfinite = false,
): QueryKey {
  const parts = [isInfinite && 'infinite', asResult && 'result'].filter((part) => part !== false)
  const form = parts.join(' ') as Form['form'] | ''
  const key = [name, ...path]
  if (form !== '') return [...key, wireOf(input) ?? null, { form } satisfies Form]
  return input === undefined ? key : [...key, wireOf(input)]
}

export function mutationKeyOf({ name, path }: Procedure): MutationKey {
  return [name, ...path]
}

/** An input as JSON: what JSON has no word for, such as a bigint, is told beside it. */
export function wireOf(input: unknown): unknown {
  if (input === undefined) return undefined
  const { json, meta } = transformer.serialize(input)
  return meta === undefined ? json : { json, meta }
}
