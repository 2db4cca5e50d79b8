// Trust rule: nothing in a token's header chooses an algorithm or a key beyond what the key source offers,
// and nothing in it causes a request. What leaves here as an actor was signed by a configured key.
import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import { LRUCache } from 'lru-cache'
import type { TokenRefusal } from '../core/observer.ts'
import type { UserActor } from './actor.ts'
import { findClaimFault, NO_AUDIENCE, TOLERANCE_SECONDS } from './claims.ts'
import type { KeySource } from './key-source.ts'
import { KeysUnavailableError } from './remote-keys.ts'

const MAX_TOKEN_BYTES = 16 * 1024
const CACHE_AT_MOST_MS = 5 * 60_000

export interface VerifierOptions {
  readonly keys: KeySource
  /** The exact `iss`. */
  readonly issuer: string
  /** What `aud` is or contains, one of them; 'none' accepts only tokens without `aud`. */
  readonly audience: string | readonly string[]
  /** Where set, `azp`, or `client_id` where there is none, is required and one of these. */
  readonly authorizedParties?: readonly string[] | undefined
  /** @default the system's clock */
  readonly clock?: () => Date
  /** How many verified tokens are remembered. @default 10000 */
  readonly cacheSize?: number
}

export type Verification =
  | { readonly ok: true; readonly actor: UserActor }
  /** `detail` is for the log only; it holds no token. */
  | {
      readonly ok: false
      readonly reason: 'invalid' | 'unavailable'
      readonly refusal: TokenRefusal
      readonly detail: string
    }

export interface Verifier {
  /** Never throws: a bad token is 'invalid', a key server that is down is 'unavailable'. */
  verify(token: string): Promise<Verification>
  /** Whom a token was verified to be of a short while ago; undefined when it has to be verified first. */
  recall(token: string): UserActor | undefined
}

interface Remembered {
  readonly actor: UserActor
  readonly untilMs: number
  /** Of the keys: what one of them has signed is not remembered for longer than it is published. */
  readonly revision: number
}

/** Builds the one judge of Bearer tokens (RFC 7519, RFC 8725). */
export function createVerifier(options: VerifierOptions): Verifier {
  const { keys, clock = () => new Date() } = options
  const cache = new LRUCache<string, Remembered>({ max: options.cacheSize ?? 10_000 })

  const recall = (token: string, nowMs: number) => {
    const known = cache.get(token)
    const isOfUse = known !== undefined && nowMs < known.untilMs && known.revision === keys.revision()
    return isOfUse ? known.actor : undefined
  }

  return {
    recall: (token) => recall(token, clock().getTime()),

    async verify(token) {
      // Length counts UTF-16 units; anything but ASCII fails to decode further on.
      if (token.length > MAX_TOKEN_BYTES)
        return invalid(`the token is longer than ${MAX_TOKEN_BYTES} bytes`, 'malformed')
      const now = clock()
      const known = recall(token, now.getTime())
      if (known) return { ok: true, actor: known }

      const revision = keys.revision()
      const verification = await judgeByNewestKeys(token, options, now)
      if (!verification.ok) return verification
      const expMs = (verification.actor.claims.exp ?? 0) * 1_000
      const untilMs = Math.min(expMs, now.getTime() + CACHE_AT_MOST_MS)
      if (now.getTime() < untilMs) {
        // Before the first keys there was nothing that may have changed meanwhile.
        cache.set(token, { actor: verification.actor, untilMs, revision: revision || keys.revision() })
      }
      return verification
    },
  }
}

/** What the keys at hand did not sign may be signed by newer ones, under the same name. */
async function judgeByNewestKeys(token: string, options: VerifierOptions, now: Date): Promise<Verification> {
  const { keys } = options
  const revision = keys.revision()
  const verification = await judge(token, options, now)
  if (verification.ok || verification.reason !== 'unsigned') return told(verification)
  if (keys.revision() === revision) await keys.refresh()
  return keys.revision() === revision ? told(verification) : told(await judge(token, options, now))
}

type Judgement =
  | Extract<Verification, { ok: true }>
  | {
      readonly ok: false
      /** `unsigned`: not signed by the key that it names. */
      readonly reason: 'invalid' | 'unavailable' | 'unsigned'
      readonly refusal: TokenRefusal
      readonly detail: string
    }

function told(judgement: Judgement): Verification {
  if (judgement.ok) return judgement
  const { reason, refusal, detail } = judgement
  return { ok: false, reason: reason === 'unsigned' ? 'invalid' : reason, refusal, detail }
}

async function judge(token: string, options: VerifierOptions, now: Date): Promise<Judgement> {
  const { keys, issuer, audience, authorizedParties } = options
  try {
    const claims = await readSignedClaims(token, keys.getKey, {
      algorithms: [...keys.algorithms],
      issuer,
      ...(audience === NO_AUDIENCE ? {} : { audience: [audience].flat() }),
      requiredClaims: ['exp', 'sub'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: now,
    })
    const fault = findClaimFault(claims, { audience, authorizedParties, nowSeconds: now.getTime() / 1_000 })
    if (fault !== undefined) return invalid(fault, 'claims')
    const userId = claims.sub ?? ''
    // The cache hands the same claims to every call: no call may change what the next one sees.
    return { ok: true, actor: Object.freeze({ kind: 'user', userId, claims: deepFreeze(claims), token }) }
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error)
    if (error instanceof KeysUnavailableError)
      return { ok: false, reason: 'unavailable', refusal: 'unavailable', detail }
    return isOtherKey(error)
      ? { ok: false, reason: 'unsigned', refusal: 'signature', detail }
      : invalid(detail, refusalOf(error))
  }
}

async function readSignedClaims(
  token: string,
  getKey: JWTVerifyGetKey,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  // jose has held the header's `alg` against the list before it asks for a key.
  const getCheckedKey: JWTVerifyGetKey = (header, jws) => {
    if (header.kid !== undefined && typeof header.kid !== 'string') {
      throw new errors.JWSInvalid('"kid" must be a string')
    }
    if (header.crit !== undefined) throw new errors.JWSInvalid('"crit" is not supported')
    return getKey(header, jws)
  }
  try {
    return (await jwtVerify(token, getCheckedKey, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return (await jwtVerify(token, key, options)).payload
      } catch (attempt) {
        if (!isOtherKey(attempt)) throw attempt
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

function refusalOf(error: unknown): TokenRefusal {
  if (error instanceof errors.JWTExpired) return 'expired'
  if (error instanceof errors.JWTClaimValidationFailed) return 'claims'
  return error instanceof errors.JWKSNoMatchingKey ? 'signature' : 'malformed'
}

/** Signed by another key, or not verifiable with this one (a TypeError: an RSA key that is too short). */
function isOtherKey(error: unknown): boolean {
  return error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  for (const member of Object.values(value)) deepFreeze(member)
  return Object.freeze(value)
}

function invalid(detail: string, refusal: TokenRefusal) {
  return { ok: false, reason: 'invalid', refusal, detail } as const
}
