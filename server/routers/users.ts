import type { TRPCMutationProcedure, TRPCQueryProcedure } from '@trpc/server'
import { z } from 'zod'
import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import type { UserActor } from '../auth/actor.ts'
import { profileFromClaims } from '../auth/profile-claims.ts'
import { ADMIN_ROLE } from '../auth/role.ts'
import { isUserId, USER_ID_RULE } from '../auth/user-id.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import { createCallerReads } from '../records/as-caller.ts'
import { Caller } from '../records/caller.ts'
import { optionsFromJson } from '../records/where-from-json.ts'
import { type SetBlockedInput, writeBlocked } from '../tools/blocked-rows.ts'
import type { CollectionTypes } from '../tools/collection-types.ts'
import { getAsApp } from '../tools/get.ts'
import { quote } from '../tools/problems.ts'
import { upsertUser } from '../tools/register-user.ts'
import { type SetRoleInput, setRole } from '../tools/set-role.ts'
import type { AnyCollections, Envelope, Page } from '../tools/types.ts'
import { sizeProblem } from '../tools/value-size.ts'
import type { QueryOptions } from '../tools/where-types.ts'
import { DirectReads } from '../trpc/direct-reads.ts'
import { type ActionMeta, t } from '../trpc/init.ts'
import { type InvokedContext, invoked, noteSent } from '../trpc/invoked.ts'
import { parserOf, refuseUnacceptable, userProcedure } from '../trpc/procedure.ts'
import { type CalledContext, writeAsCaller } from '../trpc/run-as-caller.ts'

type UsersOf<TCollections extends AnyCollections> = TCollections extends {
  readonly users: infer TUsers extends CollectionTypes
}
  ? TUsers
  : CollectionTypes

/** Who the caller is to the app. */
export interface Me<TUser> {
  readonly userId: string
  readonly role: string
  readonly isOwner: boolean
  /** The caller's own row, whole; null before `users.register`. */
  readonly user: TUser | null
}

/** `isBlocked` is there for admins and the owner alone. */
export type ListedUser<TUser> = TUser & { readonly isBlocked?: boolean }

/** People and their roles. */
export type UsersProcedures<TCollections extends AnyCollections> = {
  me: TRPCQueryProcedure<{
    // biome-ignore lint/suspicious/noConfusingVoidType: what lets a client leave the argument out.
    input: void
    output: ActionResult<Me<Envelope<UsersOf<TCollections>['record']>>>
    meta: ActionMeta
  }>
  /** Writes the caller's row from the claims of their token. */
  register: TRPCMutationProcedure<{
    // biome-ignore lint/suspicious/noConfusingVoidType: as above.
    input: void
    output: ActionResult<{ readonly user: Envelope<UsersOf<TCollections>['record']> }>
    meta: ActionMeta
  }>
  setRole: TRPCMutationProcedure<{
    input: SetRoleInput
    output: ActionResult<SetRoleInput>
    meta: ActionMeta
  }>
  /** Refuses all calls of a user from now on, or takes them again; for admins and the owner. */
  setBlocked: TRPCMutationProcedure<{
    input: SetBlockedInput
    output: ActionResult<SetBlockedInput>
    meta: ActionMeta
  }>
  list: TRPCQueryProcedure<{
    // biome-ignore lint/suspicious/noConfusingVoidType: as above.
    input: QueryOptions<UsersOf<TCollections>['compared']> | void
    output: ActionResult<Page<ListedUser<Envelope<UsersOf<TCollections>['callerRecord']>>>>
    meta: ActionMeta
  }>
}

const schemas = {
  nothing: z.strictObject({}).optional(),
  setRole: z.strictObject({ userId: z.string(), role: z.string() }),
  setBlocked: z.strictObject({
    userId: z.custom<string>(isUserId, `must be ${USER_ID_RULE}`),
    blocked: z.boolean(),
  }),
  list: z.record(z.string(), z.unknown()).optional(),
}

export function createUsersRouter<TCollections extends AnyCollections>() {
  const procedure = userProcedure.use(async ({ getRawInput, next }) => {
    refuseUnacceptable(await getRawInput())
    return next()
  })
  const writes = (isAudited: boolean) =>
    userProcedure.use(invoked({ readOnly: false, isAudited })).use(async ({ ctx, getRawInput, next }) => {
      noteSent(ctx.invocation, await getRawInput())
      return next()
    })
  const writing = writes(false)
  const procedures = {
    me: procedure.input(parserOf(schemas.nothing)).query(({ ctx }) => me(ctx)),
    register: writing.input(parserOf(schemas.nothing)).mutation(({ ctx }) => register(ctx)),
    setRole: writing.input(parserOf(schemas.setRole)).mutation(({ ctx, input }) => changeRole(ctx, input)),
    list: procedure.input(parserOf(schemas.list)).query(({ ctx, input }) => list(ctx, input)),
    setBlocked: writes(true)
      .input(parserOf(schemas.setBlocked))
      .mutation(({ ctx, input }) => changeBlocked(ctx, input)),
  }
  // The collection "users" is the one that the types describe.
  return t.router(procedures as unknown as UsersProcedures<TCollections>)
}

async function me(ctx: CalledContext<UserActor>): Promise<ActionResult<Me<Envelope>>> {
  const { engine, actor } = ctx
  const reads = new DirectReads(engine, ctx.requestId)
  const entry = engine.catalog.get('users')
  if (!entry) return fail('PRECONDITION_FAILED', 'The app has no collection "users".')
  return reads.call('users.me', undefined, false, async () => {
    const { userId, role, isOwner } = await new Caller(reads, actor, engine).ruleActor()
    const row = await getAsApp(reads, entry, actor.userId)
    if (!row.success && row.code !== 'NOT_FOUND') return row
    return ok({ userId: userId ?? actor.userId, role, isOwner, user: row.success ? row.data.record : null })
  })
}

function register(ctx: CalledContext<UserActor> & InvokedContext): Promise<ActionResult<{ user: Envelope }>> {
  const { actor, engine } = ctx
  const definition = collectionDefinition(engine.catalog.get('users')?.table)
  const profile = withoutOversized(ctx, profileFromClaims(definition?.claims ?? new Map(), actor.claims))
  return writeAsCaller(ctx, profile, (_records, attempt) =>
    attempt.call('users.register', `users/${actor.userId}`, true, () =>
      upsertUser(attempt, actor.userId, profile, 'claims'),
    ),
  )
}

/**
 * What a provider puts into a token is not the user's to mend: a claim that is too long for its field is as good as
 * absent, so that they can still sign in.
 */
function withoutOversized(
  { engine }: CalledContext<UserActor>,
  profile: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const sizes = engine.catalog.get('users')?.sizes
  return Object.fromEntries(
    Object.entries(profile).filter(([field, value]) => {
      const size = sizes?.get(field)
      const problem = size && sizeProblem(size, value)
      if (problem) engine.log.warn({ field }, `The claim for a field of users is left out: it ${problem}`)
      return problem === undefined
    }),
  )
}

function changeRole(
  ctx: CalledContext<UserActor> & InvokedContext,
  input: SetRoleInput,
): Promise<ActionResult<SetRoleInput>> {
  const { engine } = ctx
  return writeAsCaller(ctx, input, (_records, attempt, caller) =>
    attempt.call('users.setRole', `users/${input.userId}`, true, async () => {
      const { role } = await caller.ruleActor()
      if (role !== ADMIN_ROLE) return fail('FORBIDDEN', 'Only an admin or the owner may set roles.')
      if (!engine.roles.has(input.role)) {
        return fail(
          'BAD_REQUEST',
          `There is no role ${quote(input.role)}; roles are ${[...engine.roles].join(', ')}.`,
        )
      }
      if (input.userId === engine.ownerUserId && input.role !== ADMIN_ROLE)
        return fail('FORBIDDEN', 'The owner is always admin.')
      return setRole(attempt, input)
    }),
  )
}

async function list(
  { engine, requestId, actor }: CalledContext<UserActor>,
  input: z.output<typeof schemas.list>,
): Promise<ActionResult<Page<ListedUser<Envelope>>>> {
  const reads = new DirectReads(engine, requestId)
  const caller = new Caller(reads, actor, engine)
  const users = engine.catalog.get('users')
  const options = users ? optionsFromJson(users, input) : input
  const page = await createCallerReads(reads, caller).query('users', options)
  if (!page.success) return page
  const role = await reads.call('users.list', undefined, false, async () =>
    ok((await caller.ruleActor()).role),
  )
  if (!role.success) return role
  if (role.data !== ADMIN_ROLE) return page
  const records = page.data.records.map((record) => ({
    ...record,
    isBlocked: engine.blockedUsers.has(record.recordId),
  }))
  return ok({ ...page.data, records })
}

async function changeBlocked(
  ctx: CalledContext<UserActor> & InvokedContext,
  input: SetBlockedInput,
): Promise<ActionResult<SetBlockedInput>> {
  const { engine, actor } = ctx
  const result = await writeAsCaller(ctx, input, (_records, attempt, caller) =>
    attempt.call('users.setBlocked', `users/${input.userId}`, true, async () => {
      const { role } = await caller.ruleActor()
      if (role !== ADMIN_ROLE) return fail('FORBIDDEN', 'Only an admin or the owner may block users.')
      if (input.userId === engine.ownerUserId) return fail('FORBIDDEN', 'The owner cannot be blocked.')
      if (input.userId === actor.userId) return fail('FORBIDDEN', 'Nobody blocks themselves.')
      return writeBlocked(attempt, input)
    }),
  )
  // When the answer comes, every server knows; what was lost on its way may have been committed.
  if (result.success || result.code === 'SERVICE_UNAVAILABLE') await engine.blockedUsers.settle()
  return result
}
