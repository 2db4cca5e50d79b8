import { StrictMode, useCallback, useEffect, useState } from 'react'
import { createRoot } from 'react-dom/client'
import { Credits } from './credits.tsx'
import { connect, deputy, SessionContext, type Signed } from './deputy.ts'
import { EventList } from './event-list.tsx'
import { EventPage } from './event-page.tsx'
import { go, Link, usePath } from './route.tsx'
import { resume, type Session, signOut } from './session.ts'
import { SignIn } from './sign-in.tsx'
import './style.css'

function App() {
  const [signed, setSigned] = useState<Signed | 'unknown' | undefined>('unknown')
  const [isSignedOut, setSignedOut] = useState(false)
  const signIn = useCallback((session: Session) => {
    session.onSignedOut = () => setSignedOut(true)
    setSignedOut(false)
    setSigned(connect(session))
  }, [])
  useEffect(() => {
    resume().then(
      (session) => (session ? signIn(session) : setSigned(undefined)),
      () => setSigned(undefined),
    )
  }, [signIn])

  if (signed === 'unknown') return <p role="status">Loading…</p>
  if (!signed) return <SignIn onSignedIn={signIn} />
  // What was typed stays where the same user signs in again.
  const signInAgain = (session: Session) => {
    if (session.userId !== signed.session.userId) return signIn(session)
    setSignedOut(false)
    void signed.connection.queryClient.invalidateQueries()
  }
  const leave = async () => {
    await signOut()
    setSigned(undefined)
    go('/')
  }
  return (
    <deputy.Provider connection={signed.connection}>
      <SessionContext value={signed.session}>
        <header className="bar">
          <Link to="/" className="brand">
            Events
          </Link>
          <Credits />
          <span className="who">{signed.session.name}</span>
          <button type="button" className="quiet" onClick={leave}>
            Sign out
          </button>
        </header>
        <Connection />
        <main>
          <Page />
        </main>
        {isSignedOut && (
          <dialog ref={openModal} onCancel={(event) => event.preventDefault()} aria-label="Sign in again">
            <SignIn onSignedIn={signInAgain} again={signed.session.name} />
          </dialog>
        )}
      </SessionContext>
    </deputy.Provider>
  )
}

const openModal = (dialog: HTMLDialogElement | null) => dialog?.showModal()

function Connection() {
  const isLive = deputy.useIsLive()
  return (
    <p role="status" className="connection">
      {!isLive && 'There is no connection: what you see may be old. It goes on by itself.'}
    </p>
  )
}

function Page() {
  const path = usePath()
  const id = /^\/events\/([^/]+)$/.exec(path)?.[1]
  if (id) return <EventPage key={id} eventId={decodeURIComponent(id)} />
  if (path === '/') return <EventList />
  return <h1>There is nothing here.</h1>
}

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no #root')
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
