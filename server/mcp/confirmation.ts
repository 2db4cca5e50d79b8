// Trust rule: a confirmation is good for one user, one action, one input and one key, and for ten minutes. It grants nothing:
// whoever comes with it passes the same gate and the same limits again.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { Fingerprint } from '../invocation/fingerprint.ts'
import { asSent } from '../wire/to-json.ts'

const CONFIRMATION_LIFETIME_MS = 10 * 60_000
const NONCE_BYTES = 12
const FORM = /^(\d{1,16})\.([\w-]{16})\.([\w-]{43})$/

/** What is confirmed. */
export interface ConfirmedCall {
  readonly userId: string
  readonly action: string
  /** As it was sent, without the confirmation. */
  readonly input: unknown
  /** The idempotency key that it was sent with. */
  readonly key: string | undefined
}

/** What a shown call is done by when it comes again. */
export interface Confirmation {
  /** Good as an idempotency key: what is done by it is done once. */
  readonly token: string
  readonly expiresAt: Date
}

/** Makes a confirmation of a call. Each is another one. */
export function issueConfirmation(mac: Fingerprint, call: ConfirmedCall, now: Date): Confirmation {
  const expiresAtMs = now.getTime() + CONFIRMATION_LIFETIME_MS
  const nonce = randomBytes(NONCE_BYTES).toString('base64url')
  const token = `${expiresAtMs}.${nonce}.${sign(mac, call, expiresAtMs, nonce)}`
  return { token, expiresAt: new Date(expiresAtMs) }
}

/** What is wrong with a confirmation, as the end of a sentence. */
export type ConfirmationProblem = (typeof PROBLEMS)[keyof typeof PROBLEMS]

export const PROBLEMS = {
  form: 'is none of ours',
  call: 'is not of this call: it is good for one user, one action, the same arguments and the same key',
  age: 'has expired',
} as const

/** Finds what is wrong with a confirmation; undefined for one that is good for this call. */
export function confirmationProblem(
  mac: Fingerprint,
  token: string,
  call: ConfirmedCall,
  now: Date,
): ConfirmationProblem | undefined {
  const [, expiresAt, nonce, signature] = FORM.exec(token) ?? []
  if (expiresAt === undefined || nonce === undefined || signature === undefined) return PROBLEMS.form
  const expiresAtMs = Number(expiresAt)
  const expected = sign(mac, call, expiresAtMs, nonce)
  if (!timingSafeEqual(Buffer.from(signature), Buffer.from(expected))) return PROBLEMS.call
  return now.getTime() < expiresAtMs ? undefined : PROBLEMS.age
}

function sign(
  mac: Fingerprint,
  { userId, action, input, key }: ConfirmedCall,
  expiresAtMs: number,
  nonce: string,
) {
  return mac({ userId, action, input: asSent(input), key: key ?? null, expiresAtMs, nonce })
}
