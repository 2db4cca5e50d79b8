import { printable } from '../core/printable.ts'
import type { Balance } from './balance.ts'
import type { CreditEntry } from './entry.ts'

/** Names the fields of a statement's line, in order. */
export const CREDIT_ENTRY_FIELDS =
  'number, time, kind, change of available, change of reserved, cost, endpoint, action, payer, caller, transport, outcome, duration, invocation, key of a grant, who granted'

/** Formats a balance as one line; fields are divided by tabs, which no field holds. */
export function formatBalance({ account, available, reserved }: Balance): string {
  return formatLine([account, available, reserved])
}

/** Formats an entry as one line; a field without a value is empty. */
export function formatCreditEntry(entry: CreditEntry): string {
  return formatLine([
    entry.seq,
    entry.at.toISOString(),
    entry.kind,
    entry.availableDelta,
    entry.reservedDelta,
    entry.cost,
    entry.endpoint,
    entry.action,
    entry.payer,
    entry.caller,
    entry.transport,
    entry.outcome,
    entry.durationMs === null ? null : `${entry.durationMs}ms`,
    entry.invocation,
    entry.grantKey,
    entry.grantedBy,
  ])
}

function formatLine(fields: readonly (string | number | null)[]): string {
  return fields.map((field) => printable(String(field ?? ''))).join('\t')
}
