import type { Database } from '../../server/db/database.ts'
import { execute } from './execute.ts'

export interface AuditRow {
  readonly id: string
  readonly at: string
  readonly transport?: string
  readonly actor?: string | null
  readonly action?: string
  readonly outcome?: string
  readonly writes?: readonly { readonly op: string; readonly collection: string; readonly recordId: string }[]
  readonly payers?: readonly string[]
  readonly cost?: number
  /** Without one there is no row in `audit_detail`. */
  readonly detail?: { readonly input: string | null; readonly ip: string | null }
}

/** Writes rows into the audit log as a server would, at times of the test's own. */
export function insertAudit(
  database: Database,
  url: string | undefined,
  rows: readonly AuditRow[],
): Promise<void> {
  const statements = rows.flatMap((row) => {
    const { id, at, actor = 'ada', writes = [] } = row
    const log = [
      [id, at, `request-${id}`, row.transport ?? 'rest', actor, row.action ?? 'createEvent'].map(literal),
      [literal(row.outcome ?? 'OK'), '1', '12', literal('hash'), literal(JSON.stringify(writes))],
      [String(writes.length), `array[${(row.payers ?? []).map(literal)}]::text[]`, row.cost ?? 'null'],
    ].flat()
    const detail = row.detail && [id, at, actor, row.detail.input, row.detail.ip].map(literal)
    return [
      `insert into deputy.audit_log (id, at, request_id, transport, actor, action, outcome, attempts, duration_ms,
         input_hash, writes, write_count, payers, cost) values (${log})`,
      ...(detail ? [`insert into deputy.audit_detail (id, at, actor, input, ip) values (${detail})`] : []),
    ]
  })
  return execute(database, url, statements.join(';\n'))
}

function literal(value: string | null): string {
  return value === null ? 'null' : `'${value.replaceAll("'", "''")}'`
}
