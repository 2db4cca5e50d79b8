import { createDeputy, type DeputyConnection, DeputyError } from 'deputyjs/react'
import { createContext, useContext } from 'react'
import type { AppRouter } from '../../server/app.ts'
import type { Session } from './session.ts'

/** The hooks of this app. */
export const deputy = createDeputy<AppRouter>()

/** Who is signed in, and what was read as them, which is shown to no other. */
export interface Signed {
  readonly session: Session
  readonly connection: DeputyConnection<AppRouter>
}

export function connect(session: Session): Signed {
  return { session, connection: deputy.connect({ url: location.origin, token: () => session.token() }) }
}

export const SessionContext = createContext<Session | undefined>(undefined)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('There is no one signed in here.')
  return session
}

const MICRO = 1_000_000
export const credits = (microCredits: number) =>
  `${(microCredits / MICRO).toLocaleString('en', { maximumFractionDigits: 3 })} credits`

/** What a call would cost at most: a dry run of it, which stops before anything is spent. */
export async function priceOf(session: Session, action: string, input: object): Promise<string> {
  const answer = await fetch(`/api/actions/${action}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await session.token()}`,
      'deputy-dry-run': 'true',
    },
    body: JSON.stringify(input),
  })
  const result = await answer.json()
  const failure = result.success ? result.data.dryRun.failure : result
  if (failure) throw new DeputyError(failure.error, { code: failure.code })
  const { maxCost } = result.data.dryRun
  return maxCost === 0 ? 'It costs you nothing.' : `It costs you at most ${credits(maxCost)}.`
}
