import type { JWTPayload } from 'jose'
import { isRecord } from '../core/is-record.ts'
import { isUserId, USER_ID_RULE } from './actor.ts'

/** How far this clock and the issuer's may be apart. */
export const TOLERANCE_SECONDS = 5

/** The audience that accepts only tokens without `aud`. */
export const NO_AUDIENCE = 'none'

/** The first second of the year 10000. Milliseconds taken for seconds lie far behind it. */
const EXP_LIMIT_SECONDS = 253_402_300_800

export interface ClaimRules {
  readonly audience: string | readonly string[]
  readonly authorizedParties?: readonly string[] | undefined
  readonly nowSeconds: number
}

/**
 * Says what is wrong with a token's claims, beyond what jose checks (`iss`, `aud`, `nbf`, `exp` in the past).
 * Undefined when nothing is. No I/O, no clock.
 */
export function findClaimFault(claims: JWTPayload, rules: ClaimRules): string | undefined {
  const { sub, exp, iat } = claims
  if (!isUserId(sub)) return `"sub" must be ${USER_ID_RULE}`
  if (typeof exp !== 'number' || exp >= EXP_LIMIT_SECONDS) {
    return '"exp" must be a time in seconds before the year 10000'
  }
  if (iat !== undefined && iat > rules.nowSeconds + TOLERANCE_SECONDS) return '"iat" is in the future'
  if (rules.audience === NO_AUDIENCE && Object.hasOwn(claims, 'aud')) {
    return '"aud" is present, and only tokens without it are accepted'
  }
  if (rules.authorizedParties === undefined) return undefined
  // Cognito names the client in `client_id` alone (also RFC 9068, section 2.2).
  const party = Object.hasOwn(claims, 'azp') ? claims.azp : claims.client_id
  if (typeof party !== 'string' || !rules.authorizedParties.includes(party)) {
    return '"azp", or "client_id" where there is none, must be one of the authorized parties'
  }
  return undefined
}

/**
 * The value of a claim by its name or by its path: `user_metadata.full_name`. A name that holds dots is found as it
 * stands, `https://app.example.com/role` for one, also within a path. Only own properties count.
 */
export function claimAt(claims: unknown, path: string): unknown {
  return find(claims, path.split('.'))
}

function find(value: unknown, names: readonly string[]): unknown {
  if (!isRecord(value)) return undefined
  for (let taken = names.length; taken > 0; taken -= 1) {
    const name = names.slice(0, taken).join('.')
    if (!Object.hasOwn(value, name)) continue
    const found = taken === names.length ? value[name] : find(value[name], names.slice(taken))
    if (found !== undefined) return found
  }
  return undefined
}
