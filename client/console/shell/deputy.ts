import { QueryClient } from '@tanstack/react-query'
import type { IntegrationDeclarations } from '../../../server/integrations/declarations.ts'
import type { AppRouter } from '../../../server/routers/app-router.ts'
import type { AnyCollections } from '../../../server/tools/types.ts'
import { createDeputy } from '../../react/index.ts'
import { RETRIES, send } from './call.ts'
import { currentToken, onTokenChange } from './session.ts'

/** The procedures that the engine gives every app. */
export type ConsoleRouter = AppRouter<Record<never, never>, AnyCollections, IntegrationDeclarations>

const STALE_MS = 10_000

/** The hooks of the engine's procedures. */
export const deputy = createDeputy<ConsoleRouter>()

/** The server that the page comes from, and what was read of it. */
export const connection = deputy.connect({
  url: location.origin,
  token: currentToken,
  fetch: send,
  retries: { attempts: RETRIES },
  // What is answered at once is shown at once.
  batch: false,
  queryClient: new QueryClient({ defaultOptions: { queries: { staleTime: STALE_MS } } }),
})

// Nothing that was read with one token is shown under another.
onTokenChange(() => connection.queryClient.clear())
