import type { JWTPayload } from 'jose'

/** Claims that count only where the issuer says that it has verified them (OpenID Connect Core 1.0, section 5.1). */
const VERIFIED_BY: ReadonlyMap<string, string> = new Map([
  ['email', 'email_verified'],
  ['phone_number', 'phone_number_verified'],
])

/** Fields that are never filled from what nobody has verified, whatever the claim is called. */
const FIELD_VERIFIED_BY: ReadonlyMap<string, string> = new Map([['email', 'email_verified']])

/** What verified claims say of a user, by field; a claim that is absent, empty or not verified says nothing. */
export function profileFromClaims(
  claimOf: ReadonlyMap<string, string>,
  claims: JWTPayload,
): Readonly<Record<string, unknown>> {
  const profile: Record<string, unknown> = {}
  for (const [field, claim] of claimOf) {
    const value = own(claims, claim)
    const verifiedBy = VERIFIED_BY.get(claim) ?? FIELD_VERIFIED_BY.get(field)
    if (value === undefined || value === null || value === '') continue
    if (verifiedBy !== undefined && own(claims, verifiedBy) !== true) continue
    profile[field] = value
  }
  return profile
}

function own(claims: JWTPayload, claim: string): unknown {
  return Object.hasOwn(claims, claim) ? claims[claim] : undefined
}
