import { send } from './call.ts'

/** How far the server lets clocks differ. */
const TOLERANCE_SECONDS = 5

/** Asks the server whether it takes a token. @throws {Error} that says what is wrong, as far as the token shows it */
export async function tryToken(token: string): Promise<void> {
  const answer = await send('/api/users/me', { headers: { authorization: `Bearer ${token}` } })
  if (answer.status !== 401) return
  throw new Error(refusalOf(claimsOf(token), new Date(answer.headers.get('date') ?? Date.now())))
}

function refusalOf({ iss, aud, iat, nbf, exp }: Readonly<Record<string, unknown>>, now: Date): string {
  const seconds = now.getTime() / 1_000
  const begin = Math.max(Number(iat) || 0, Number(nbf) || 0)
  if (begin > seconds + TOLERANCE_SECONDS)
    return `The token is good from ${timeOf(begin)} on, and the server says that it is ${timeOf(seconds)}: one of the two clocks is off. Set it right, and sign in again.`
  if (typeof exp === 'number' && exp < seconds - TOLERANCE_SECONDS)
    return `The token ended at ${timeOf(exp)}, and the server says that it is ${timeOf(seconds)}. Sign in again; where it is new, a clock is off.`
  return `The server does not take this token, which is of ${textOf(iss)} and for ${textOf(aud)}: AUTH_JWT_ISSUER and AUTH_JWT_AUDIENCE say what it takes, and its log says why it refused this one.`
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString()
}

function textOf(claim: unknown): string {
  return claim === undefined ? 'no one' : [claim].flat().join(', ')
}

/** What a token says of itself, which the server alone can verify; nothing where it cannot be read. */
function claimsOf(token: string): Readonly<Record<string, unknown>> {
  try {
    const text = atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/'))
    return JSON.parse(new TextDecoder().decode(Uint8Array.from(text, (char) => char.charCodeAt(0)))) ?? {}
  } catch {
    return {}
  }
}
