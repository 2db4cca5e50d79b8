import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from 'pino'
import { uuidv7 } from 'uuidv7'
import { fail } from '../core/result.ts'
import type { Database } from '../db/database.ts'
import { isPassing, isUnavailable } from '../db/sqlstate.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Bell } from './bell.ts'
import { type ClaimedMessage, claimMessages, type InFlight } from './claim.ts'
import { deliver } from './deliver.ts'
import { type KeptOutcome, keepOutcome } from './keep.ts'
import { failed, type MessageOutcome } from './outcome.ts'
import type { MessagePurse } from './reserve-anew.ts'

export interface DispatcherOptions extends MessagePurse {
  readonly integrations: Integrations
  /** Rung when there are new messages. */
  readonly outboxBell: Bell
  readonly log: Logger
  /** How often it looks for messages that are due. @default 1000 */
  readonly intervalMs?: number
  /** After this long another server may take what this one has taken; a fifth of it is for keeping what came of it. @default 150000 */
  readonly leaseMs?: number
}

export interface Dispatcher {
  /** Takes no more messages, and waits for those that are being sent, as long as this. */
  stop(graceMs: number): Promise<void>
}

const INTERVAL_MS = 1_000
const LEASE_MS = 150_000
/** What a call may take of the lease. */
const SEND_SHARE = 0.8
/** In all. An endpoint and an integration have less, so that those that hang leave room for others. */
const MAX_IN_FLIGHT = 64
const KEEP_TRYING_MS = 15_000
const TRY_INTERVAL_MS = 250

/** Sends the messages of actions that have committed. */
export function startDispatcher(options: DispatcherOptions): Dispatcher {
  const { database, log, leaseMs = LEASE_MS } = options
  const inFlight = new Map<Promise<void>, ClaimedMessage>()
  let isStopped = false
  let isRung = false
  let isLooking = false
  let looking = Promise.resolve()

  const look = () => {
    isRung = true
    if (!isStopped && !isLooking) looking = lookWhileRung()
  }
  const lookWhileRung = async () => {
    isLooking = true
    try {
      // What comes while it looks may have come too late to be seen.
      for (; isRung && !isStopped; await takeAll()) isRung = false
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
  const silence = options.outboxBell.onRing(look)
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

/** Never throws: what could not be kept is found by whoever takes the message next. */
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
      return failed(message, fail('SERVICE_UNAVAILABLE', 'The message could not be sent.'))
    })
    if (!outcome) return
    await keep(database, { id, token, outcome, durationMs: performance.now() - startedAt })
    tell(log, message, outcome)
  } catch (error) {
    log.error({ err: error, messageId: id, endpoint }, 'What came of a message could not be kept')
  }
}

function tell(log: Logger, { id, endpoint, attempt, invocation }: ClaimedMessage, outcome: MessageOutcome) {
  const info = { messageId: id, endpoint, attempt, invocation }
  if (outcome.kind === 'arrived') return log.info(info, 'A message was sent')
  const what = outcome.kind === 'dead' ? 'A message was given up' : 'A message is sent again later'
  return log.warn({ ...info, error: outcome.error }, what)
}

/** What came of it is known here alone, and is true however late it is written. */
async function keep(database: Database, kept: KeptOutcome): Promise<void> {
  const endsAt = performance.now() + KEEP_TRYING_MS
  for (;;) {
    try {
      return await keepOutcome(database, kept)
    } catch (error) {
      if (!isPassing(error) || performance.now() > endsAt) throw error
    }
    await sleep(TRY_INTERVAL_MS)
  }
}
