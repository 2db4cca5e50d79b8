import { type AuditPage, auditQuerySchema, queryAudit } from '../audit/query.ts'
import type { UserActor } from '../auth/actor.ts'
import { ADMIN_ROLE } from '../auth/role.ts'
import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { thrown } from '../invocation/thrown.ts'
import { Caller } from '../records/caller.ts'
import { DirectReads } from '../trpc/direct-reads.ts'
import { t } from '../trpc/init.ts'
import { parserOf, refuseUnacceptable, userProcedure } from '../trpc/procedure.ts'
import type { CalledContext } from '../trpc/run-as-caller.ts'

/** The audit log, for the owner and admins. */
export function createAuditRouter() {
  const procedure = userProcedure.use(async ({ ctx, getRawInput, next }) => {
    const refusal = await refuseReader(ctx)
    if (refusal) throw thrown(refusal)
    refuseUnacceptable(await getRawInput())
    return next()
  })
  return t.router({
    list: procedure
      .input(parserOf(auditQuerySchema.optional()))
      .query(({ ctx: { engine, requestId }, input = {} }): Promise<ActionResult<AuditPage>> => {
        const reads = new DirectReads(engine, requestId)
        return reads.call('audit.list', undefined, false, () => queryAudit(reads, input))
      }),
  })
}

/** The role is read anew for every call. */
async function refuseReader({
  engine,
  requestId,
  actor,
}: CalledContext<UserActor>): Promise<Failure | undefined> {
  const reads = new DirectReads(engine, requestId)
  const caller = await reads.call('role', undefined, false, async () =>
    ok(await new Caller(reads, actor, engine).ruleActor()),
  )
  if (!caller.success) return caller
  return caller.data.role === ADMIN_ROLE
    ? undefined
    : fail('FORBIDDEN', 'Only the owner and admins may read the audit log.')
}
