import { z } from 'zod'
import { erase } from '../audit/erase.ts'
import { getAudited } from '../audit/get.ts'
import { isWholeRemoval, type RemovalCount } from '../audit/maintenance.ts'
import { prune } from '../audit/prune.ts'
import { auditQuerySchema, queryAudit } from '../audit/query.ts'
import { isUserId, USER_ID_RULE, type UserActor } from '../auth/actor.ts'
import { ADMIN_ROLE } from '../auth/role.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import { Caller } from '../records/caller.ts'
import type { AcceptedCall } from '../trpc/call.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
import { ownerOnly, roleOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly, writeDirectly } from '../trpc/run-as-caller.ts'
import { withoutHiddenInput } from './audit-input.ts'

/** What is younger stays, the entries of these calls among it. */
const MIN_AGE_MS = 3_600_000
/** A call holds the embedded database up for as long as one batch takes. */
const ONE_BATCH = { maxBatches: 1 }

const schemas = {
  get: z.strictObject({ id: z.string('must be text') }),
  prune: z.strictObject({
    /** Entries before this instant are removed; it is at least an hour ago. */
    before: z.date('must be a date and time with a zone, such as 2026-01-31T09:30:00Z'),
  }),
  erase: z.strictObject({
    /** Whose details are removed. */
    userId: z.string('must be text').refine(isUserId, `must be a user's id: ${USER_ID_RULE}`),
  }),
}

/** What one call has removed: at most one batch. */
export interface RemovedBatch extends RemovalCount {
  /** Whether there is nothing left to remove; otherwise the same call removes more. */
  readonly isDone: boolean
}

const forOwner = { callers: users, gate: ownerOnly, trail: 'always' } as const

const forAdmins = {
  callers: users,
  gate: roleOnly(ADMIN_ROLE, 'Only the owner and admins may read the audit log.'),
  trail: 'none',
} as const

/** The audit log: for the owner and admins to read, for the owner to remove from. */
export function createAuditRouter() {
  return t.router({
    list: defineQuery({
      ...forAdmins,
      schema: auditQuerySchema.optional(),
      run: (call) =>
        readDirectly(call, 'audit.list', async (reads) => {
          const page = await queryAudit(reads, call.input ?? {})
          const reader = await new Caller(reads, call.actor, call.engine).ruleActor()
          if (!page.success || reader.isOwner) return page
          const { entries, nextCursor } = page.data
          const { policies } = call.engine
          return ok({
            entries: entries.map((entry) => withoutHiddenInput(entry, reader, policies)),
            nextCursor,
          })
        }),
    }),
    /** Gets one entry, with the steps, the log and the job that belong to it. */
    get: defineQuery({
      ...forAdmins,
      schema: schemas.get,
      run: (call) =>
        readDirectly(call, 'audit.get', async (reads) => {
          const found = await getAudited(reads, call.input.id)
          const reader = await new Caller(reads, call.actor, call.engine).ruleActor()
          if (!found.success || reader.isOwner) return found
          const entry = withoutHiddenInput(found.data.entry, reader, call.engine.policies)
          // What the app has said of a call by itself may be of anything: no rule reaches into it.
          return ok({ ...found.data, entry, once: null, log: null })
        }),
    }),
    /** Removes old entries with their details. */
    prune: defineMutation({
      ...forOwner,
      schema: schemas.prune,
      run(call) {
        const { before } = call.input
        const { clock, database } = call.engine
        if (before.getTime() > clock().getTime() - MIN_AGE_MS)
          return fail('BAD_REQUEST', 'before: must be at least an hour ago', {
            issues: [{ path: ['before'], message: 'must be at least an hour ago', code: 'invalid_argument' }],
          })
        return remove(call, 'audit.prune', () => prune(database, { before, clock, ...ONE_BATCH }))
      },
    }),
    /** Removes what is personal in a user's entries. */
    erase: defineMutation({
      ...forOwner,
      schema: schemas.erase,
      run(call) {
        const { clock, database } = call.engine
        const { userId } = call.input
        return remove(call, 'audit.erase', () => erase(database, { userId, clock, ...ONE_BATCH }))
      },
    }),
  })
}

/** Removes through the server what no other process can reach: a PostgreSQL has roles for it, and this one needs none. */
async function remove(
  call: AcceptedCall<UserActor, unknown>,
  tool: 'audit.prune' | 'audit.erase',
  run: () => Promise<RemovalCount>,
): Promise<ActionResult<RemovedBatch>> {
  if (call.engine.database.kind !== 'pglite') {
    const command = tool.replace('.', ' ')
    return fail(
      'PRECONDITION_FAILED',
      `This removes from an embedded database alone. Run deputy ${command} with the DATABASE_URL of a role that owns the audit log.`,
    )
  }
  return writeDirectly(call, tool, async () => {
    const removed = await run()
    return ok({ ...removed, isDone: isWholeRemoval(removed) })
  })
}
