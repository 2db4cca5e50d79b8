import { type FormEvent, useState } from 'react'
import type { ConsoleSignIn } from '../../../server/http/console-sign-in.ts'
import { call } from './call.ts'
import { Problem } from './problem.tsx'
import { provider } from './provider.ts'
import { setToken, useHasEnded } from './session.ts'
import { forgetFailure, signInAt, useSignInState } from './sign-in-state.ts'
import { tryToken } from './try-token.ts'

/** Where a server with its own development key gives a token to whoever sits at its machine. */
const isHere = !provider && /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(location.hostname)

/** Asks for a token. @param refused the user whose token was given, and who may not look */
export function SignIn({ refused }: { readonly refused?: string }) {
  const [error, setError] = useState<Error>()
  const [isAsking, setAsking] = useState(false)
  const state = useSignInState()
  const hasEnded = useHasEnded()
  const failure = error ?? (state.kind === 'failed' ? state.error : undefined)

  async function ask(getToken: () => Promise<string>) {
    setAsking(true)
    setError(undefined)
    forgetFailure()
    try {
      setToken(await getToken())
    } catch (thrown) {
      setError(thrown as Error) // `call` and `tryToken` throw nothing else.
    } finally {
      setAsking(false)
    }
  }

  const askHere = async () => {
    const sending = { method: 'POST', headers: { 'deputy-console': 'sign-in' } } as const
    return (await call<{ readonly token: string }>('/console/development-token', sending)).data.token
  }

  function signIn(event: FormEvent<HTMLFormElement>) {
    event.preventDefault()
    const given = new FormData(event.currentTarget).get('token')
    const token = String(given ?? '').trim()
    void ask(async () => {
      if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(token))
        throw new Error('That is no token: one has three parts with dots between them.')
      await tryToken(token)
      return token
    })
  }

  return (
    <main className="narrow">
      <h1>Console</h1>
      <p>See what the app does, and try an action before it counts.</p>
      {refused !== undefined && !failure && (
        <div className="problem" role="alert">
          <p>
            The console is for the owner and admins, and <strong>{refused}</strong> is neither.
          </p>
        </div>
      )}
      {failure && <Problem error={failure} />}
      {hasEnded && !failure && (
        <p role="status">Your token has ended. Sign in again: what you have typed is kept.</p>
      )}
      {provider && (
        <AccountCard
          signIn={provider}
          isRefused={refused !== undefined}
          isLeaving={state.kind === 'leaving'}
          onLeave={() => setError(undefined)}
        />
      )}
      {isHere && (
        <section className="card">
          <h2>On this machine</h2>
          <p>In development the server signs a token of the owner for whoever sits here.</p>
          <button type="button" className="primary" disabled={isAsking} onClick={() => ask(askHere)}>
            Sign in as the owner
          </button>
        </section>
      )}
      <form className="card" onSubmit={signIn}>
        <h2>With a token</h2>
        <label htmlFor="token">Token of the owner or an admin</label>
        <textarea id="token" name="token" rows={4} autoComplete="off" spellCheck={false} required />
        <p className="small">It stays in this tab, and is gone with it.</p>
        <button type="submit" disabled={isAsking}>
          Sign in
        </button>
      </form>
    </main>
  )
}

interface AccountCardProps {
  readonly signIn: ConsoleSignIn
  /** Whether the provider has to ask who signs in, since it knows someone who may not look. */
  readonly isRefused: boolean
  readonly isLeaving: boolean
  onLeave(): void
}

function AccountCard({ signIn, isRefused, isLeaving, onLeave }: AccountCardProps) {
  const { host } = new URL(signIn.issuer)
  const leave = () => {
    onLeave()
    void signInAt(signIn, isRefused ? 'login' : undefined)
  }
  return (
    <section className="card">
      <h2>With your account</h2>
      <p>
        You sign in at <strong>{host}</strong>, and come back to this page.
      </p>
      <button type="button" className="primary" disabled={isLeaving} onClick={leave}>
        {isRefused ? 'Sign in as someone else' : `Sign in at ${host}`}
      </button>
    </section>
  )
}
