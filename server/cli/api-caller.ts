import type { ActionResult } from '../core/result.ts'
import { loadDotEnv, readEnv, type ServerEnv } from '../env/environment.ts'
import { findServerAddress } from '../lifecycle/server-address.ts'
import { CommandError } from './command-error.ts'

/** A request of the API over REST. */
export interface ApiRequest {
  readonly method: 'GET' | 'POST'
  /** With its parameters: `/api/outbox?limit=50`. */
  readonly path: string
  /** JSON text. */
  readonly body?: string | undefined
  readonly idempotencyKey?: string | undefined
  readonly isDryRun?: boolean | undefined
}

export interface ApiAnswer {
  readonly result: ActionResult<unknown>
  /** Whether it is the answer of an earlier call with the same key. */
  readonly isReplay: boolean
}

/** Calls the API as one user: of a server that runs, or of an app in this process. */
export interface ApiCaller {
  send(request: ApiRequest): Promise<ApiAnswer>
  close(): Promise<void>
}

/** What answers requests: `fetch`, or an app's own. */
export type Answering = (request: Request) => Promise<Response>

const PATIENCE_MS = 60_000
/** A command is done in less. */
const TOKEN_SECONDS = 300

/** Makes a caller of what answers. @throws {CommandError} for an answer that is none of Deputy's */
export function apiCaller(
  base: string,
  token: string,
  answering: Answering = fetch,
  close = async () => {},
): ApiCaller {
  return {
    close,
    async send({ method, path, body, idempotencyKey, isDryRun }) {
      const headers = new Headers({ authorization: `Bearer ${token}` })
      if (body !== undefined) headers.set('content-type', 'application/json')
      if (idempotencyKey !== undefined) headers.set('idempotency-key', idempotencyKey)
      if (isDryRun) headers.set('deputy-dry-run', 'true')
      const request = new Request(new URL(path, base), {
        method,
        headers,
        signal: AbortSignal.timeout(PATIENCE_MS),
        ...(body === undefined ? {} : { body }),
      })
      const response = await answering(request).catch((error: unknown) => {
        throw new CommandError(`${base} does not answer: ${reasonOf(error)}`)
      })
      const result = readResult(await response.text())
      if (!result)
        throw new CommandError(`${base} gave an answer that is none of Deputy's (${response.status}).`)
      return { result, isReplay: response.headers.get('idempotency-replayed') === 'true' }
    },
  }
}

/** Makes a caller of the server that has an embedded database open; undefined where no server does. */
export async function callRunningServer(
  dataDir: string,
  user: 'owner' | { readonly userId: string; readonly claims: Readonly<Record<string, unknown>> },
): Promise<ApiCaller | undefined> {
  const url = await findServerAddress(dataDir)
  if (url === undefined) return undefined
  loadDotEnv()
  const env = readEnv()
  if (env.auth.kind !== 'development') {
    throw new CommandError(
      `The server at ${url} has the database open, and takes tokens from your identity provider alone: this command has none. Stop the server first, or call its API with a token of yours: deputy call --url ${url} --token TOKEN.`,
    )
  }
  const { userId, claims } = user === 'owner' ? { userId: ownerOf(env), claims: {} } : user
  const { loadDevelopmentKey } = await import('../auth/development-key.ts')
  const key = await loadDevelopmentKey(dataDir)
  return apiCaller(url, await key.mint(userId, { expiresInSeconds: TOKEN_SECONDS, claims }))
}

/** @throws {CommandError} where there is none. */
export function ownerOf({ ownerUserId }: Pick<ServerEnv, 'ownerUserId'>): string {
  if (ownerUserId !== undefined) return ownerUserId
  throw new CommandError("This is for the app's owner, and OWNER_USER_ID is not set.")
}

/** Lists over all pages, as many as are wanted. @throws {CommandError} for what is refused */
export async function* listPages<TData extends { readonly nextCursor: string | null }, TItem>(
  caller: ApiCaller,
  address: string,
  parameters: Readonly<Record<string, string | undefined>>,
  limit: number,
  itemsOf: (data: TData) => readonly TItem[],
): AsyncGenerator<TItem, void> {
  let cursor: string | undefined
  for (let left = limit; left > 0; ) {
    const search = new URLSearchParams({ limit: String(Math.min(left, MAX_PAGE)) })
    for (const [name, value] of Object.entries({ ...parameters, cursor }))
      if (value !== undefined) search.set(name, value)
    const data = await dataOf<TData>(caller.send({ method: 'GET', path: `${address}?${search}` }))
    const items = itemsOf(data)
    yield* items
    left -= items.length
    if (data.nextCursor === null || items.length === 0) return
    cursor = data.nextCursor
  }
}

/** The most that a page of any list may have. */
const MAX_PAGE = 100

/** Gives the data of an answer, as its address gives it. @throws {CommandError} for a failure */
export async function dataOf<TData>(answer: Promise<ApiAnswer>): Promise<TData> {
  const { result } = await answer
  if (!result.success) throw new CommandError(result.error)
  return result.data as TData // The server is of this version, or one that speaks to it.
}

function readResult(text: string): ActionResult<unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const isResult = typeof value === 'object' && value !== null && 'success' in value
    return isResult ? (value as ActionResult<unknown>) : undefined
  } catch {
    return undefined
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message || error.message : error.message
}
