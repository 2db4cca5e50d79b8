import type { ErrorCode } from './errors.ts'
import type { ObservationFaults } from './observation-faults.ts'

/** Why a token was refused. */
export type TokenRefusal = 'malformed' | 'signature' | 'expired' | 'claims' | 'unavailable' | 'blocked'

/** How an attempt at queued work ended. `lost`: another server has taken it over, or its outcome could not be saved. */
export type WorkEnd = 'done' | 'later' | 'dead' | 'lost'

/** A call that has ended, on whatever transport. */
export interface EndedCall {
  readonly action: string
  readonly code: ErrorCode | 'OK'
  readonly transport: string
  readonly source: string
  readonly durationMs: number
  readonly attempts: number
  readonly conflicts: number
  readonly suspensions: number
  readonly isReplay: boolean
}

/** A name that callers choose is one of its names all the same: who observes makes sure of it. */
export interface Observer {
  callEnded(call: EndedCall): void
  /** @param kind what answered: `actions`, `records`, `trpc`, `route`, `probe`, `none`, … */
  requestAnswered(kind: string, status: number): void
  tokenRefused(reason: TokenRefusal): void
  /** @param limit which one was met: one of the whole app, `action` for one that an action declares, or `room` */
  limitRefused(limit: string): void
  /** Rows of failing calls that stand in a summary in place of a row each. */
  auditRowsSampled(count: number): void
  /** @param endpoint `integration/endpoint` @param payer whose money it is @param amount in whole micro-credits */
  spent(endpoint: string, payer: 'owner' | 'caller', amount: number): void
  workEnded(kind: 'message' | 'job' | 'grant', end: WorkEnd): void
}

/** Wraps an observer in one that never throws. */
export function guardObserver(observer: Observer, faults: ObservationFaults): Observer {
  const guard = (what: keyof Observer, observe: () => void) => faults.guard(what, observe, undefined)
  return {
    callEnded: (call) => guard('callEnded', () => observer.callEnded(call)),
    requestAnswered: (kind, status) => guard('requestAnswered', () => observer.requestAnswered(kind, status)),
    tokenRefused: (reason) => guard('tokenRefused', () => observer.tokenRefused(reason)),
    limitRefused: (limit) => guard('limitRefused', () => observer.limitRefused(limit)),
    auditRowsSampled: (count) => guard('auditRowsSampled', () => observer.auditRowsSampled(count)),
    spent: (endpoint, payer, amount) => guard('spent', () => observer.spent(endpoint, payer, amount)),
    workEnded: (kind, end) => guard('workEnded', () => observer.workEnded(kind, end)),
  }
}
