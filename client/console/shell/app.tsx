import { PAGES } from '../pages/index.ts'
import { deputy } from './deputy.ts'
import { Problem } from './problem.tsx'
import { addressOf, useRoute } from './route.ts'
import { setToken, useToken } from './session.ts'
import { SignIn } from './sign-in.tsx'
import { useSignInState } from './sign-in-state.ts'
import { type Viewer, ViewerContext } from './viewer.ts'

/** The console: who is signed in, and the page that the address names. */
export function App() {
  const token = useToken()
  const { kind } = useSignInState()
  if (kind === 'returning') return <p className="waiting">Signing in…</p>
  return token === undefined ? <SignIn /> : <SignedIn key={token} />
}

/** What someone with a token is shown, if they may look. */
function SignedIn() {
  const me = deputy.users.me.useQuery()
  if (me.error && !me.data)
    return (
      <main className="narrow">
        <Problem error={me.error} />
        <button type="button" onClick={() => setToken(undefined)}>
          Use another token
        </button>
      </main>
    )
  if (!me.data) return <p className="waiting">Signing in…</p>
  if (me.data.role !== 'admin') return <SignIn refused={me.data.userId} />
  return (
    <ViewerContext value={me.data}>
      <Shell viewer={me.data} />
    </ViewerContext>
  )
}

function Shell({ viewer }: { readonly viewer: Viewer }) {
  const [name = PAGES[0].path, ...rest] = useRoute()
  const page = PAGES.find(({ path }) => path === name)
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById('content')?.focus()}>
        Skip to the page
      </button>
      <header className="bar">
        <strong>Console</strong>
        <nav aria-label="Pages">
          {PAGES.map(({ path, title }) => (
            <a key={path} href={addressOf(path)} aria-current={path === name ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <span className="who">
          {viewer.userId} <small>{viewer.isOwner ? 'owner' : viewer.role}</small>
        </span>
        <button type="button" className="quiet" onClick={() => setToken(undefined)}>
          Sign out
        </button>
      </header>
      <main id="content" tabIndex={-1}>
        {page ? (
          <page.Page path={rest} />
        ) : (
          <>
            <h1>There is no such page</h1>
            <p>
              <a href={addressOf(PAGES[0].path)}>{PAGES[0].title}</a>
            </p>
          </>
        )}
      </main>
    </>
  )
}
