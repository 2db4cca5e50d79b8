import { DirectoryLockError } from '../db/directory-lock.ts'
import { loadDotEnv, readWholeEnv } from '../env/environment.ts'
import { integrationEnv } from '../integrations/connection.ts'
import { type ApiCaller, apiCaller, callRunningServer, ownerOf } from './api-caller.ts'
import { createCommandKey } from './command-key.ts'
import { loadApp } from './load-app.ts'

/** As whom an app is called. */
export type CalledAs =
  | 'owner'
  | { readonly userId: string; readonly claims: Readonly<Record<string, unknown>> }

/**
 * Opens the app of the current folder, as a start does, and calls its API as a user, in this process. Where a server has
 * the embedded database open, that server is called.
 */
export async function openAppCaller(user: CalledAs, isBuilt: boolean | undefined): Promise<ApiCaller> {
  loadDotEnv()
  const { app: parts } = await loadApp({ isBuilt })
  const { env, appEnv } = readWholeEnv(parts.env, integrationEnv(parts.integrations))
  const { userId, claims } = user === 'owner' ? { userId: ownerOf(env), claims: {} } : user
  const { openApp } = await import('../lifecycle/open-app.ts')
  const { createLog } = await import('../lifecycle/log.ts')
  const key = await createCommandKey()
  const log = createLog({ level: 'warn', destination: STDERR })
  try {
    const { app, close } = await openApp({ env, app: parts, appEnv, log, verifier: key.verifier })
    const answering = async (request: Request) => app.fetch(request)
    return apiCaller(NOWHERE, await key.mint(userId, claims), answering, close)
  } catch (error) {
    const isInUse = error instanceof DirectoryLockError && error.isInUse
    const running = isInUse ? await callRunningServer(env.dataDir, user) : undefined
    if (!running) throw error
    return running
  }
}

const STDERR = 2
/** Requests need an address, and these are sent nowhere. */
const NOWHERE = 'http://deputy.invalid'
