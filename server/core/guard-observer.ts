import type { ObservationFaults } from './observation-faults.ts'
import type { Observer } from './observer.ts'

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
