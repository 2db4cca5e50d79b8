import { auditQuerySchema, queryAudit } from '../audit/query.ts'
import { ADMIN_ROLE } from '../auth/role.ts'
import { defineQuery } from '../trpc/callable.ts'
import { roleOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly } from '../trpc/run-as-caller.ts'

/** The audit log, for the owner and admins. */
export function createAuditRouter() {
  return t.router({
    list: defineQuery({
      callers: users,
      gate: roleOnly(ADMIN_ROLE, 'Only the owner and admins may read the audit log.'),
      schema: auditQuerySchema.optional(),
      trail: 'none',
      run: (call) => readDirectly(call, 'audit.list', (reads) => queryAudit(reads, call.input ?? {})),
    }),
  })
}
