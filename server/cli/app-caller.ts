import type { ActionResult } from '../core/result.ts'
import { DirectoryLockError } from '../db/directory-lock.ts'
import { loadDotEnv, readWholeEnv } from '../env/environment.ts'
import { integrationEnv } from '../integrations/connection.ts'
import { type ApiCaller, apiCaller, callRunningServer, ownerOf } from './api-caller.ts'
import { CommandError, WRONG_USAGE } from './command-error.ts'
import { createCommandKey } from './command-key.ts'
import { loadApp } from './load-app.ts'

/** As whom an app is called. */
export type CalledAs =
  | 'owner'
  | { readonly userId: string; readonly claims: Readonly<Record<string, unknown>> }

/** A call of an action that no client can call. */
export interface InternalCall {
  readonly action: string
  /** JSON text. */
  readonly body: string
  /** The user as whom it runs: the owner; without one it runs as no one. */
  readonly as: string | undefined
  readonly idempotencyKey: string | undefined
  readonly isDryRun: boolean | undefined
  readonly isBuilt: boolean | undefined
}

/**
 * Calls an internal action in this process, as the app does.
 *
 * @returns undefined where the app has no internal action of this name.
 * @throws {CommandError} for another user than the owner, and where a server has the embedded database open
 */
export async function callInternalAction(call: InternalCall): Promise<ActionResult<unknown> | undefined> {
  const { action, body, as, idempotencyKey, isDryRun, isBuilt } = call
  loadDotEnv()
  const { app: parts } = await loadApp({ isBuilt })
  const { NamedActions } = await import('../builders/named-actions.ts')
  if (!new NamedActions(parts.actions).named(action)?.definition.isInternal) return undefined
  const { env, appEnv } = readWholeEnv(parts.env, integrationEnv(parts.integrations))
  if (as !== undefined && as !== env.ownerUserId)
    throw new CommandError(
      `"${action}" is an internalAction: it runs as no one, or as the app's owner with --as and what OWNER_USER_ID says.`,
      WRONG_USAGE,
    )
  const { openApp } = await import('../lifecycle/open-app.ts')
  const { createLog } = await import('../lifecycle/log.ts')
  const { callAsApp } = await import('../builders/call-as-app.ts')
  const { verifier } = await createCommandKey()
  const log = createLog({ level: 'warn', destination: STDERR })
  const { app, close } = await openApp({ env, app: parts, appEnv, log, verifier }).catch((error: unknown) => {
    if (!(error instanceof DirectoryLockError && error.isInUse)) throw error
    throw new CommandError(`A server has the database open, and "${action}" is for no client: stop it first.`)
  })
  try {
    const found = app.actions.named(action)
    return (
      found &&
      (await callAsApp(app.engine, found, {
        source: 'command',
        userId: as ?? null,
        readInput: () => JSON.parse(body),
        key: idempotencyKey === undefined ? undefined : { space: COMMAND_KEYS, value: idempotencyKey },
        dryRun: isDryRun ? {} : undefined,
      }))
    )
  } finally {
    await close()
  }
}

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
/** What the keys of internal actions belong to. */
const COMMAND_KEYS = 'command'
/** Requests need an address, and these are sent nowhere. */
const NOWHERE = 'http://deputy.invalid'
