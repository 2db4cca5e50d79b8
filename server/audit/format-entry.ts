import { printable } from '../core/printable.ts'
import type { AuditEntry } from './entry.ts'

/** Names the fields of a line, in order. */
export const AUDIT_ENTRY_FIELDS =
  'time, outcome, action, actor (empty: the server), transport, attempts, duration, writes, request id'

/** Formats an entry as one line; fields are divided by tabs, which no field holds. */
export function formatAuditEntry(entry: AuditEntry): string {
  return [
    entry.at.toISOString(),
    entry.outcome,
    entry.action,
    entry.actor ?? '',
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
