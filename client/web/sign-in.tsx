import { type FormEvent, useState } from 'react'
import { Problem } from './problem.tsx'
import { type Session, signIn, signInAs } from './session.ts'

const USERS = ['ada', 'bob', 'eve']

interface SignInProps {
  onSignedIn(session: Session): void
  /** Who was signed in, where a page waits below. */
  readonly again?: string
}

export function SignIn({ onSignedIn, again }: SignInProps) {
  const [error, setError] = useState<Error>()
  const begin = (session: Promise<Session>) => {
    setError(undefined)
    session.then(onSignedIn, setError)
  }
  const Box = again === undefined ? 'main' : 'section'
  return (
    <Box className="narrow">
      <h1>{again === undefined ? 'Events' : 'You are signed out'}</h1>
      <p>
        {again === undefined
          ? 'Plan an event, and invite people to it.'
          : `What you have typed is kept: sign in again as ${again}.`}
      </p>
      {import.meta.env.DEV ? <PickUser begin={begin} /> : <EnterPassword begin={begin} />}
      <Problem error={error} />
    </Box>
  )
}

interface Way {
  begin(session: Promise<Session>): void
}

/** In development anyone can be anyone. */
function PickUser({ begin }: Way) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    begin(signInAs(String(new FormData(event.currentTarget).get('user'))))
  }
  return (
    <>
      <p>Development: who are you?</p>
      <div className="row">
        {USERS.map((user) => (
          <button key={user} type="button" onClick={() => begin(signInAs(user))}>
            {user}
          </button>
        ))}
      </div>
      <form onSubmit={submit} className="row">
        <label>
          Another user <input name="user" required pattern="\w{1,40}" autoComplete="off" />
        </label>
        <button type="submit">Sign in</button>
      </form>
    </>
  )
}

function EnterPassword({ begin }: Way) {
  const [isNew, setIsNew] = useState(false)
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    const entries = Object.fromEntries(new FormData(event.currentTarget))
    begin(signIn(String(entries.email), String(entries.password), isNew ? String(entries.name) : undefined))
  }
  return (
    <form onSubmit={submit}>
      {isNew && (
        <label>
          Name <input name="name" required maxLength={200} autoComplete="name" />
        </label>
      )}
      <label>
        Email <input name="email" type="email" required autoComplete="email" />
      </label>
      <label>
        Password
        <input
          name="password"
          type="password"
          required
          minLength={10}
          autoComplete={isNew ? 'new-password' : 'current-password'}
        />
      </label>
      <div className="row">
        <button type="submit">{isNew ? 'Make an account' : 'Sign in'}</button>
        <button type="button" className="quiet" onClick={() => setIsNew(!isNew)}>
          {isNew ? 'I have an account' : 'I am new here'}
        </button>
      </div>
    </form>
  )
}
