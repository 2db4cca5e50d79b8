import { printable } from '../core/printable.ts'
import type { AuditEntry } from './entry.ts'

/** Names the fields of a line, in order. */
export const AUDIT_ENTRY_FIELDS =
  'time, outcome (and of how many calls), action, actor (empty: the server; and the owner who acted as them), transport, attempts, duration, writes, request id'

/** Formats an entry as one line; fields are divided by tabs, which no field holds. */
export function formatAuditEntry(entry: AuditEntry): string {
  return [
    entry.at.toISOString(),
    entry.calls === 1 ? entry.outcome : `${entry.outcome} (${entry.calls} calls)`,
    entry.action,
    entry.actedBy === null ? (entry.actor ?? '') : `${entry.actor} (by ${entry.actedBy})`,
    entry.transport,
    String(entry.attempts),
    `${entry.durationMs}ms`,
    formatWrites(entry),
    entry.requestId,
  ]
    .map(printable)
    .join('\t')
}

function formatWrites({ writes, writeCount }: AuditEntry): string {
  const named = writes.map(([op, collection, recordId]) => `${op} ${collection}/${recordId}`)
  const more = writeCount - writes.length
  return [...named, ...(more > 0 ? [`${more}${named.length > 0 ? ' more' : ' rows'}`] : [])].join(', ')
}
