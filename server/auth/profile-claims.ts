import type { JWTPayload } from 'jose'
import { claimAt } from './claims.ts'

/**
 * Flags by which an issuer says that it has verified a claim: as OpenID Connect Core 1.0, section 5.1, names them, and
 * as other issuers do. Only those of the token itself count: what stands deeper may be the user's own word.
 */
const EMAIL_FLAGS: readonly string[] = ['email_verified', 'emailVerified']
const FLAGS: ReadonlyMap<string, readonly string[]> = new Map([
  ['email', EMAIL_FLAGS],
  ['phone_number', ['phone_number_verified', 'phoneNumberVerified']],
])

/** What verified claims say of a user, by field; a claim that is absent, empty or not verified says nothing. */
export function profileFromClaims(
  claimOf: ReadonlyMap<string, string>,
  claims: JWTPayload,
): Readonly<Record<string, unknown>> {
  const profile: Record<string, unknown> = {}
  for (const [field, claim] of claimOf) {
    const value = claimAt(claims, claim)
    if (value === undefined || value === null || value === '') continue
    const flags = FLAGS.get(claim)
    if (flags && !isVerified(claims, flags)) continue
    // A field for the email is never filled from what no one has verified, whatever the claim is called.
    if (field === 'email' && !flags && !isVerifiedEmail(claims, value)) continue
    profile[field] = value
  }
  return profile
}

/** The email that the issuer has verified. */
export function verifiedEmailOf(claims: JWTPayload): string | undefined {
  const email = claimAt(claims, 'email')
  return typeof email === 'string' && isVerified(claims, EMAIL_FLAGS) ? email : undefined
}

/** The flag speaks of the claim `email`: beside one, another claim must say the same. */
function isVerifiedEmail(claims: JWTPayload, value: unknown): boolean {
  return isVerified(claims, EMAIL_FLAGS) && (!Object.hasOwn(claims, 'email') || claims.email === value)
}

/** The first flag that is there decides. Apple writes it as text. */
function isVerified(claims: JWTPayload, flags: readonly string[]): boolean {
  const flag = flags.find((name) => Object.hasOwn(claims, name))
  return flag !== undefined && (claims[flag] === true || claims[flag] === 'true')
}
