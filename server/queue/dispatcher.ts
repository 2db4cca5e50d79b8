import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { fail } from '../core/result.ts'
import { uuidv7 } from '../core/uuid.ts'
import type { Database } from '../db/database.ts'
import { isPassing, isUnavailable } from '../db/sqlstate.ts'
import type { Integrations } from '../integrations/integrations.ts'
import { type ClaimedMessage, claimMessages, type InFlight } from './claim.ts'
import { deliver } from './deliver.ts'
import { type MessageOutcome, outcomeOfFailure } from './outcome.ts'
import type { ReservationContext } from './renew-reservation.ts'
import { type SavedOutcome, saveOutcome } from './save-outcome.ts'
import type { WakeSignal } from './wake-signal.ts'

export interface DispatcherOptions extends ReservationContext {
  readonly integrations: Integrations
  /** Wakes the dispatcher when there are new messages. */
  readonly outboxSignal: WakeSignal
  readonly log: Logger
  /** Milliseconds between two looks for messages that are due. @default 1000 */
  readonly intervalMs?: number
  /** Milliseconds after which another server may take a message that this one has taken. @default 150000 */
  readonly leaseMs?: number
}

export interface Dispatcher {
  /** Takes no more messages, and waits up to `graceMs` for those that are being sent. */
  stop(graceMs: number): Promise<void>
}

const INTERVAL_MS = 1_000
const LEASE_MS = 150_000
/** The part of the lease that a call may take; the rest is for saving its outcome. */
const SEND_SHARE = 0.8
/** Messages that one server sends at a time. An endpoint and an integration have less, so that one that hangs leaves room. */
const MAX_IN_FLIGHT = 64
const SAVE_TIMEOUT_MS = 15_000
const SAVE_INTERVAL_MS = 250

/** Sends the messages of actions that have committed. */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { database, log, leaseMs = LEASE_MS } = options
  const inFlight = new Map<Promise<void>, ClaimedMessage>()
  let isStopped = false
  let isWoken = false
  let isLooking = false
  let looking = Promise.resolve()

  const look = () => {
    isWoken = true
    if (!isStopped && !isLooking) looking = lookWhileWoken()
  }
  const lookWhileWoken = async () => {
    isLooking = true
    try {
      // A message that comes during a look may be missed by it.
      for (; isWoken && !isStopped; await takeAll()) isWoken = false
    } catch (error) {
      if (!isUnavailable(error)) log.error({ err: error }, 'Messages could not be taken from the outbox')
    } finally {
      isLooking = false
    }
  }
  const takeAll = async () => {
    while (!isStopped && inFlight.size < MAX_IN_FLIGHT) {
      const token = uuidv7()
      const messages = await claimMessages(database, {
        token,
        leaseMs,
        limit: MAX_IN_FLIGHT - inFlight.size,
        ...countInFlight(inFlight.values()),
      })
      if (messages.length === 0) return
      for (const message of messages) {
        const work = attempt({ ...options, leaseMs }, message, token).finally(() => {
          inFlight.delete(work)
          look()
        })
        inFlight.set(work, message)
      }
    }
  }
  const timer = setInterval(look, options.intervalMs ?? INTERVAL_MS).unref()
  const silence = options.outboxSignal.onWake(look)
  look()
  return {
    async stop(graceMs) {
      isStopped = true
      clearInterval(timer)
      silence()
      await looking
      await Promise.race([
        Promise.allSettled([...inFlight.keys()]),
        sleep(graceMs, undefined, { ref: false }),
      ])
    },
  }
}

function countInFlight(messages: Iterable<ClaimedMessage>): {
  byEndpoint: InFlight
  byIntegration: InFlight
} {
  const byEndpoint = new Map<string, number>()
  const byIntegration = new Map<string, number>()
  for (const { endpoint } of messages) {
    const [integration = ''] = endpoint.split('/', 1)
    byEndpoint.set(endpoint, (byEndpoint.get(endpoint) ?? 0) + 1)
    byIntegration.set(integration, (byIntegration.get(integration) ?? 0) + 1)
  }
  return { byEndpoint: Object.fromEntries(byEndpoint), byIntegration: Object.fromEntries(byIntegration) }
}

/** Sends a message and saves its outcome. Never throws: a message whose outcome could not be saved is taken again. */
async function attempt(
  options: DispatcherOptions & { readonly leaseMs: number },
  message: ClaimedMessage,
  token: string,
): Promise<void> {
  const { database, log, leaseMs } = options
  const { id, endpoint } = message
  const timeoutMs = leaseMs * SEND_SHARE
  const startedAt = performance.now()
  try {
    const outcome = await deliver(message, { ...options, token, timeoutMs }).catch((error: unknown) => {
      log.warn({ err: error, messageId: id, endpoint }, 'A message could not be sent')
      return outcomeOfFailure(message, fail('SERVICE_UNAVAILABLE', 'The message could not be sent.'))
    })
    if (!outcome) return
    await save(database, { id, token, outcome, durationMs: performance.now() - startedAt })
    tell(log, message, outcome)
  } catch (error) {
    log.error({ err: error, messageId: id, endpoint }, 'The outcome of a message could not be saved')
  }
}

function tell(log: Logger, { id, endpoint, attempt, invocation }: ClaimedMessage, outcome: MessageOutcome) {
  const info = { messageId: id, endpoint, attempt, invocation }
  if (outcome.kind === 'arrived') return log.info(info, 'A message was sent')
  const what = outcome.kind === 'dead' ? 'A message was given up' : 'A message is sent again later'
  return log.warn({ ...info, error: outcome.error }, what)
}

/** Saves an outcome, and tries again while the database is away: only this server knows the outcome. */
async function save(database: Database, outcome: SavedOutcome): Promise<void> {
  const endsAt = performance.now() + SAVE_TIMEOUT_MS
  for (;;) {
    try {
      return await saveOutcome(database, outcome)
    } catch (error) {
      if (!isPassing(error) || performance.now() > endsAt) throw error
    }
    await sleep(SAVE_INTERVAL_MS)
  }
}
