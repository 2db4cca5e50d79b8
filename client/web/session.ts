/// <reference types="vite/client" />

/** Who is signed in, and the token that says so to the server. */
export interface Session {
  readonly userId: string
  readonly name: string
  /** A token that is good for a while. @throws {Error} when the user is signed out. */
  token(): Promise<string>
  /** Called when the user has been signed out elsewhere, or for too long. Whoever signs in again goes on. */
  onSignedOut?: (() => void) | undefined
}

/** A token is renewed before its last half minute. */
const MARGIN_SECONDS = 30
const KEY = 'user'

/** Makes a session out of what gets a token: asked again before the last one expires, and after it has failed. */
async function sessionOf(name: string, getToken: () => Promise<string | null | undefined>): Promise<Session> {
  let session: Session | undefined
  const ask = async () => {
    const token = await getToken()
    if (token) return token
    session?.onSignedOut?.()
    throw new Error('You are signed out: sign in again.')
  }
  let pending = ask()
  const { sub } = payloadOf(await pending)
  session = {
    userId: sub,
    name,
    async token() {
      const before = pending
      const token = await before.catch(() => undefined)
      const isGood = token !== undefined && payloadOf(token).exp - MARGIN_SECONDS > Date.now() / 1_000
      // Unless another call has asked meanwhile.
      if (!isGood && pending === before) pending = ask()
      return pending
    },
  }
  return session
}

interface Payload {
  readonly sub: string
  readonly exp: number
  readonly name?: string
  readonly email?: string
  readonly email_verified?: boolean
}

function payloadOf(token: string): Payload {
  const [, payload = ''] = token.split('.')
  return JSON.parse(atob(payload.replaceAll('-', '+').replaceAll('_', '/')))
}

async function textOf(response: Response): Promise<string> {
  const text = await response.text()
  if (response.ok) return text
  throw new Error(text.slice(0, 200) || `The server answered ${response.status}.`)
}

/** In development: signs in as anyone. */
export async function signInAs(userId: string): Promise<Session> {
  const address = `/development-token?user=${encodeURIComponent(userId)}`
  const session = await sessionOf(userId, async () => textOf(await fetch(address)))
  sessionStorage.setItem(KEY, userId)
  return session
}

/** In production: signs in, or makes an account where a name is given. See docs/sign-in.md. */
export async function signIn(email: string, password: string, name?: string): Promise<Session> {
  const answer = await fetch(name === undefined ? '/auth/sign-in/email' : '/auth/sign-up/email', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password, ...(name === undefined ? {} : { name }) }),
  })
  if (answer.status === 404) throw new Error('This server has no sign-in yet: see docs/sign-in.md.')
  const body = await answer.json()
  if (!answer.ok) throw new Error(body.message ?? body.error ?? 'Signing in failed.')
  return sessionOfCookie(body.user.name)
}

/** The session that a reload finds: the user that was picked, or the one of the sign-in's cookie. */
export async function resume(): Promise<Session | undefined> {
  if (import.meta.env.DEV) {
    const userId = sessionStorage.getItem(KEY)
    return userId === null ? undefined : signInAs(userId)
  }
  const answer = await fetch('/auth/get-session')
  const body = answer.ok ? await answer.json() : null
  return body === null ? undefined : sessionOfCookie(body.user.name)
}

export async function signOut(): Promise<void> {
  sessionStorage.removeItem(KEY)
  if (!import.meta.env.DEV)
    await fetch('/auth/sign-out', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
}

async function sessionOfCookie(name: string): Promise<Session> {
  const session = await sessionOf(name, tokenOfCookie)
  await register(await session.token())
  return session
}

/** Has the server write the user's row, where it does not say what the token says: who is new has none. */
async function register(token: string): Promise<void> {
  const headers = { authorization: `Bearer ${token}` }
  const me = JSON.parse(await textOf(await fetch('/api/users/me', { headers })))
  const row = me.data.user?.data
  const { name, email, email_verified } = payloadOf(token)
  if (row && row.name === (name ?? null) && (!email_verified || row.email === email)) return
  await textOf(await fetch('/api/users/register', { method: 'POST', headers }))
}

/** Undefined where the session has ended, in another tab for one. */
async function tokenOfCookie(): Promise<string | undefined> {
  const answer = await fetch('/auth/token')
  return answer.status === 401 ? undefined : JSON.parse(await textOf(answer)).token
}
