import type { Operation, TRPCLink } from '@trpc/client'
import { observable } from '@trpc/server/observable'
import { toTRPCError } from './convert-error.ts'
import { DeputyError } from './error.ts'
import type { FetchReport } from './fetch-report.ts'
import type { DeputyServer } from './server-types.ts'

/** The server's rule. A key has no comma, so it never reads as two. */
const KEY_FORM = /^[A-Za-z0-9_.:~-]{1,255}$/

/** The key of one call, the same whenever that call is sent. */
class CallKey {
  readonly value: string
  /** Whether the app chose it: then it is always sent. */
  readonly isChosen: boolean

  constructor(value: string, isChosen: boolean) {
    this.value = value
    this.isChosen = isChosen
  }
}

/**
 * Gives every mutation its key: the one in the call's context, or a fresh one. `submissionKey` is one that was made fresh
 * for more than this call.
 */
export const idempotencyKeys: TRPCLink<DeputyServer> =
  () =>
  ({ op, next }) =>
    observable((observer) => {
      const key = keyFor(op)
      if (key instanceof DeputyError) {
        observer.error(toTRPCError(key))
        return undefined
      }
      // The app may use its context object again.
      return next({ ...op, context: { ...op.context, idempotencyKey: key } }).subscribe(observer)
    })

function keyFor(op: Operation): CallKey | DeputyError | undefined {
  const chosen = op.context.idempotencyKey
  if (chosen === undefined) {
    if (op.type !== 'mutation') return undefined
    const { submissionKey } = op.context
    const fresh = typeof submissionKey === 'string' ? submissionKey : freshKey()
    return fresh instanceof DeputyError ? fresh : new CallKey(fresh, false)
  }
  if (op.type !== 'mutation') {
    return new DeputyError(`"${op.path}" only reads: a ${op.type} takes no idempotency key.`)
  }
  if (typeof chosen === 'string' && KEY_FORM.test(chosen)) return new CallKey(chosen, true)
  return new DeputyError(
    `The idempotency key for "${op.path}" is malformed: a key is 1 to 255 letters, digits and _ . : ~ -`,
  )
}

/**
 * Builds the header `Idempotency-Key` of a request: a key for each of its calls, in order, empty for none. The server
 * refuses keys of callers without a token, whom it cannot tell apart, so without a token only chosen keys are sent.
 */
export function idempotencyHeader(ops: readonly Operation[], hasToken: boolean): Record<string, string> {
  const slots = ops.map(({ context: { idempotencyKey: key } }) =>
    key instanceof CallKey && (hasToken || key.isChosen) ? key.value : '',
  )
  return slots.some((slot) => slot !== '') ? { 'idempotency-key': slots.join(',') } : {}
}

/** Whether a call can be sent again without a second effect: it only reads, or its key went with it. */
export function isRepeatable(op: Operation, report: FetchReport): boolean {
  const key = op.context.idempotencyKey
  return op.type === 'query' || (key instanceof CallKey && report.keys.includes(key.value))
}

interface RandomSource {
  randomUUID?(): string
  getRandomValues?(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>
}

/**
 * Makes a key that no one has used, a UUID of version 4 (RFC 9562, 5.4). Browsers have `randomUUID` on secure origins
 * only, and React Native has no `crypto` at all; a weaker source could give two calls one key.
 */
export function freshKey(source: RandomSource | undefined = globalThis.crypto): string | DeputyError {
  if (source?.randomUUID) return source.randomUUID()
  if (!source?.getRandomValues) {
    return new DeputyError(
      'A mutation needs a fresh idempotency key, and this runtime has neither crypto.randomUUID nor crypto.getRandomValues. In React Native install react-native-get-random-values and import it before anything else; elsewhere load a polyfill of crypto.getRandomValues, or give the call a key: { context: { idempotencyKey } }.',
    )
  }
  const bytes = source.getRandomValues(new Uint8Array(16))
  const hex = Array.from(bytes, (byte, at) => withVersion(byte, at).toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

/** Sets version 4 in the seventh byte, and the variant in the ninth. */
function withVersion(byte: number, at: number): number {
  if (at === 6) return (byte & 0x0f) | 0x40
  return at === 8 ? (byte & 0x3f) | 0x80 : byte
}
