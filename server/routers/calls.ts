import { queryWritten } from '../audit/written.ts'
import { ADMIN_ROLE } from '../auth/role.ts'
import { callRangeSchema, queryCallTotals, rangeOf } from '../rollup/totals.ts'
import { defineQuery } from '../trpc/callable.ts'
import { roleOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly } from '../trpc/run-as-caller.ts'

const forAdmins = {
  callers: users,
  gate: roleOnly(ADMIN_ROLE, 'Only the owner and admins may read what was called.'),
  schema: callRangeSchema.optional(),
  trail: 'none',
} as const

/** How the app was called lately, for the owner and admins. */
export function createCallsRouter() {
  return t.router({
    /** How often each action was called, with what outcome, and how long it took. */
    totals: defineQuery({
      ...forAdmins,
      run: (call) =>
        readDirectly(call, 'calls.totals', (reads) =>
          queryCallTotals(reads, rangeOf(call.input ?? {}, call.engine.clock())),
        ),
    }),
    /** What each action has written. */
    written: defineQuery({
      ...forAdmins,
      run: (call) =>
        readDirectly(call, 'calls.written', (reads) =>
          queryWritten(reads, rangeOf(call.input ?? {}, call.engine.clock())),
        ),
    }),
  })
}
