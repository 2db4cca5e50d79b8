import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { uuidv7 } from 'uuidv7'
import type { Database } from '../db/database.ts'
import { isUnavailable } from '../db/sqlstate.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Budgets } from '../ledger/budgets.ts'
import { fail } from '../result.ts'
import type { Bell } from './bell.ts'
import { type ClaimedMessage, claimMessages } from './claim.ts'
import { deliver } from './deliver.ts'
import { type KeptOutcome, keepOutcome } from './keep.ts'
import { failed } from './outcome.ts'

export interface DispatcherOptions {
  readonly database: Database
  readonly integrations: Integrations
  readonly bell: Bell
  readonly log: Logger
  readonly ownerUserId: string | undefined
  readonly isOwnerUnmetered: boolean
  readonly budgets: Budgets
  /** How often it looks for messages that are due. @default 1000 */
  readonly intervalMs?: number
  /** After this long another server may take what this one has taken. @default 150000 */
  readonly leaseMs?: number
}

export interface Dispatcher {
  /** Takes no more messages, and waits for those that are being sent, as long as this. */
  stop(graceMs: number): Promise<void>
}

const INTERVAL_MS = 1_000
const LEASE_MS = 150_000
/** What a call may take of the lease; the rest is for keeping what came of it. */
const SEND_MARGIN_MS = 30_000
const MAX_IN_FLIGHT = 8
const KEEP_TRYING_MS = 15_000
const TRY_INTERVAL_MS = 250

/** Sends the messages of actions that have committed. */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { database, log, leaseMs = LEASE_MS } = options
  const inFlight = new Set<Promise<void>>()
  let isStopped = false
  let claiming: Promise<void> | undefined

  const look = () => {
    if (isStopped || claiming) return
    claiming = claimAll()
      .catch((error: unknown) => {
        if (!isUnavailable(error)) log.error({ err: error }, 'Messages could not be taken from the outbox')
      })
      .finally(() => {
        claiming = undefined
      })
  }
  const claimAll = async () => {
    while (!isStopped && inFlight.size < MAX_IN_FLIGHT) {
      const token = uuidv7()
      const messages = await claimMessages(database, { token, leaseMs, limit: MAX_IN_FLIGHT - inFlight.size })
      if (messages.length === 0) return
      for (const message of messages) {
        const work = attempt(options, message, token).finally(() => {
          inFlight.delete(work)
          look()
        })
        inFlight.add(work)
      }
    }
  }
  const timer = setInterval(look, options.intervalMs ?? INTERVAL_MS).unref()
  const silence = options.bell.onRing(look)
  look()
  return {
    async stop(graceMs) {
      isStopped = true
      clearInterval(timer)
      silence()
      await claiming
      await Promise.race([Promise.allSettled([...inFlight]), sleep(graceMs, undefined, { ref: false })])
    },
  }
}

/** Never throws: what could not be kept is found by whoever takes the message next. */
async function attempt(options: DispatcherOptions, message: ClaimedMessage, token: string): Promise<void> {
  const { database, log, leaseMs = LEASE_MS } = options
  const { id, endpoint } = message
  const timeoutMs = leaseMs - SEND_MARGIN_MS
  const startedAt = performance.now()
  try {
    const outcome = await deliver(message, { ...options, token, timeoutMs, leaseMs }).catch(
      (error: unknown) => {
        log.warn({ err: error, messageId: id, endpoint }, 'A message could not be sent')
        return failed(message, fail('SERVICE_UNAVAILABLE', 'The message could not be sent.'))
      },
    )
    await keep(database, { id, token, outcome, durationMs: performance.now() - startedAt })
    const info = { messageId: id, endpoint, attempt: message.attempt, invocation: message.invocation }
    if (outcome.kind === 'arrived') log.info(info, 'A message was sent')
    else
      log.warn(
        { ...info, error: outcome.error },
        outcome.kind === 'dead' ? 'A message was given up' : 'A message is sent again later',
      )
  } catch (error) {
    log.error({ err: error, messageId: id, endpoint }, 'What came of a message could not be kept')
  }
}

/** What came of it is known here alone, and is true however late it is written. */
async function keep(database: Database, kept: KeptOutcome): Promise<void> {
  const endsAt = performance.now() + KEEP_TRYING_MS
  for (;;) {
    try {
      return await keepOutcome(database, kept)
    } catch (error) {
      if (!isUnavailable(error) || performance.now() > endsAt) throw error
    }
    await sleep(TRY_INTERVAL_MS)
  }
}
