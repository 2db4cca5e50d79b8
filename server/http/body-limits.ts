import { ENGINE_PREFIXES } from './engine-addresses.ts'
import { BodyTooLargeError, MAX_BODY_BYTES, tooLarge } from './request-input.ts'

/** What a request of one of the app's routes may send. */
export interface BodyLimit {
  /** The longest body, in bytes. */
  readonly maxBodyBytes: number
  /** For all of a request to arrive. @default 30000 */
  readonly requestTimeoutMs?: number
}

export const REQUEST_TIMEOUT_MS = 30_000
/** Counted three times: a MiB. */
const STREAMED_BODY_BYTES = 341 * 1024
const LONGEST_TIMEOUT_MS = 24 * 3600 * 1000
const EXAMPLE = "allowBody('/uploads/*', { maxBodyBytes: 50 * 1024 * 1024, requestTimeoutMs: 300_000 })"

/** Addresses of the app's own whose requests may be larger or slower than all others. */
export class BodyLimits {
  readonly #limits = new Map<string, Required<BodyLimit> & { readonly pattern: readonly string[] }>()
  #isComplete = false

  /**
   * Lets requests to these addresses send so much, in that time.
   * @param path as Hono has it: names, `:name` for any one segment, and `/*` at the end for everything at and below it
   * @throws {TypeError} for what is no such path, covers an address of the engine's, or has no usable limit.
   */
  allow(path: string, { maxBodyBytes, requestTimeoutMs = REQUEST_TIMEOUT_MS }: BodyLimit): void {
    const problem =
      this.#problemWith(path) ??
      (Number.isSafeInteger(maxBodyBytes) && maxBodyBytes > 0
        ? undefined
        : `maxBodyBytes must be a whole number of bytes, at least 1, and is ${maxBodyBytes}`) ??
      (Number.isSafeInteger(requestTimeoutMs) &&
      requestTimeoutMs >= 1 &&
      requestTimeoutMs <= LONGEST_TIMEOUT_MS
        ? undefined
        : `requestTimeoutMs must be a whole number from 1 to ${LONGEST_TIMEOUT_MS} (a day), and is ${requestTimeoutMs}`)
    if (problem)
      throw new TypeError(
        `server/routes.ts: allowBody(${JSON.stringify(path)}): ${problem}. Such as ${EXAMPLE}.`,
      )
    this.#limits.set(path, { maxBodyBytes, requestTimeoutMs, pattern: segmentsOf(path) })
  }

  /** From now on nothing is allowed any more. */
  complete(): void {
    this.#isComplete = true
  }

  /** What the request with this target may send; undefined for what every request may. */
  of(target: string | undefined): Required<BodyLimit> | undefined {
    if (this.#limits.size === 0 || !target?.startsWith('/')) return undefined
    const segments = segmentsOf(target.replace(/[?#].*$/s, ''))
    for (const limit of this.#limits.values()) if (matches(limit.pattern, segments)) return limit
    return undefined
  }

  /** The longest time that any of them may take, in ms; 0 without any. */
  get longestTimeoutMs(): number {
    return Math.max(0, ...[...this.#limits.values()].map((limit) => limit.requestTimeoutMs))
  }

  #problemWith(path: string): string | undefined {
    if (this.#isComplete) return 'it is called while the routes are built, before the server listens'
    if (!/^(?:\/(?:[\w.~-]+|:\w+))+(?:\/\*)?$/.test(path))
      return 'a path has names, :name for any one segment, and perhaps /* at the end'
    if (this.#limits.has(path)) return 'the path has a limit already'
    const pattern = segmentsOf(path)
    const engines = ENGINE_PREFIXES.find((prefix) => meet(pattern, segmentsOf(prefix)))
    return engines === undefined
      ? undefined
      : `it covers ${engines}, which is the engine’s, where a body has at most ${MAX_BODY_BYTES} bytes; name an address of a route of your own`
  }
}

/**
 * What is held of a body at most: one that says that it is larger than its limit is refused unread, and one that is
 * larger than those that are read as a whole goes through as it arrives.
 *
 * @param bodyBytes as it says of itself, if it does
 */
export function bodyBytesHeld(bodyBytes: number | undefined, maxBytes: number): number {
  const bytes = bodyBytes ?? maxBytes
  if (bytes > maxBytes) return 0
  return bytes > MAX_BODY_BYTES ? STREAMED_BODY_BYTES : bytes
}

function segmentsOf(path: string): string[] {
  return path.split('/').slice(1)
}

function isSame(pattern: string | undefined, segment: string): boolean {
  return pattern === segment || (pattern?.startsWith(':') === true && segment !== '')
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const isOpen = pattern.at(-1) === '*'
  const named = isOpen ? pattern.slice(0, -1) : pattern
  const hasLength = isOpen ? segments.length >= named.length : segments.length === named.length
  return hasLength && named.every((part, at) => isSame(part, segments[at] ?? ''))
}

/** Whether a pattern matches anything at or below a prefix. */
function meet(pattern: readonly string[], prefix: readonly string[]): boolean {
  for (const [at, segment] of prefix.entries()) {
    if (pattern[at] === '*') return true
    if (!isSame(pattern[at], segment)) return false
  }
  return true
}

export interface LimitedBody {
  readonly request: Request
  /** Whether more came than is allowed. */
  isExceeded(): boolean
}

/** The request with a body that fails where it goes on beyond so many bytes. None of it is kept here. */
export function limitBody(request: Request, maxBytes: number): LimitedBody {
  let bytes = 0
  const { body } = request
  if (!body) return { request, isExceeded: () => false }
  const reader = body.getReader()
  const limited = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = await reader.read()
        if (done) return controller.close()
        bytes += value.byteLength
        if (bytes <= maxBytes) return controller.enqueue(value)
        controller.error(new BodyTooLargeError(tooLarge(maxBytes)))
        // The rest is not wanted; how the connection ends is decided where it is answered.
        reader.releaseLock()
        return undefined
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  const init = { body: limited, duplex: 'half' } as RequestInit // `duplex` is missing from Node's own type.
  return { request: new Request(request, init), isExceeded: () => bytes > maxBytes }
}
