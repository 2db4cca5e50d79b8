import { z } from 'zod'
import { collectionDefinition } from '../../drizzle/engine/collection.ts'
import { isUserId, USER_ID_RULE, type UserActor } from '../auth/actor.ts'
import { profileFromClaims } from '../auth/profile-claims.ts'
import { ADMIN_ROLE } from '../auth/role.ts'
import type { Page, RecordEnvelope } from '../core/record.ts'
import { type ActionResult, fail, ok } from '../core/result.ts'
import type { Omissible } from '../core/typed-procedures.ts'
import type { Engine } from '../invocation/engine.ts'
import { createCallerReads } from '../records/as-caller.ts'
import { Caller } from '../records/caller.ts'
import { optionsFromJson } from '../records/where-from-json.ts'
import { type SetBlockedInput, writeBlocked } from '../tools/blocked-rows.ts'
import type { CollectionTypes } from '../tools/collection-types.ts'
import { getAsApp } from '../tools/get.ts'
import { quote } from '../tools/problems.ts'
import { upsertUser } from '../tools/register-user.ts'
import { sizeProblem } from '../tools/sizes.ts'
import { type SetRoleInput, setRole } from '../tools/stored-role.ts'
import type { AnyCollections } from '../tools/types.ts'
import type { QueryOptions } from '../tools/where-types.ts'
import type { AcceptedCall } from '../trpc/call.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
import { users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import type { MutationProcedure, QueryProcedure } from '../trpc/procedures.ts'
import { directReads, readDirectly, writeAsCaller } from '../trpc/run-as-caller.ts'

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
  me: QueryProcedure<Omissible<undefined>, Me<RecordEnvelope<UsersOf<TCollections>['record']>>>
  /** Writes the caller's row from the claims of their token. */
  register: MutationProcedure<
    Omissible<undefined>,
    { readonly user: RecordEnvelope<UsersOf<TCollections>['record']> }
  >
  setRole: MutationProcedure<SetRoleInput, SetRoleInput>
  /** Refuses all calls of a user from now on, or takes them again; for admins and the owner. */
  setBlocked: MutationProcedure<SetBlockedInput, SetBlockedInput>
  list: QueryProcedure<
    Omissible<QueryOptions<UsersOf<TCollections>['compared']>>,
    Page<ListedUser<RecordEnvelope<UsersOf<TCollections>['callerRecord']>>>
  >
}

const schemas = {
  nothing: z.strictObject({}).optional(),
  setRole: z.strictObject({ userId: z.string(), role: z.string() }),
  setBlocked: z.strictObject({
    userId: z.custom<string>(isUserId, `must be ${USER_ID_RULE}`).meta({ type: 'string' }),
    blocked: z.boolean(),
  }),
  list: z.record(z.string(), z.unknown()).optional(),
}

export function createUsersRouter() {
  const reading = { callers: users, trail: 'none' } as const
  const writing = { callers: users, trail: 'when it matters' } as const
  const procedures = {
    me: defineQuery({ ...reading, schema: schemas.nothing, run: me }),
    register: defineMutation({ ...writing, schema: schemas.nothing, run: register }),
    setRole: defineMutation({ ...writing, schema: schemas.setRole, run: changeRole }),
    list: defineQuery({ ...reading, schema: schemas.list, run: list }),
    setBlocked: defineMutation({
      callers: users,
      trail: 'always',
      schema: schemas.setBlocked,
      run: changeBlocked,
    }),
  }
  return t.router(procedures as unknown as UsersProcedures<AnyCollections>)
}

async function me(call: AcceptedCall<UserActor, unknown>): Promise<ActionResult<Me<RecordEnvelope>>> {
  const { engine, actor } = call
  const entry = engine.catalog.get('users')
  if (!entry) return fail('PRECONDITION_FAILED', 'The app has no collection "users".')
  return readDirectly(call, 'users.me', async (reads) => {
    const { userId, role, isOwner } = await new Caller(reads, actor, engine).ruleActor()
    const row = await getAsApp(reads, entry, actor.userId)
    if (!row.success && row.code !== 'NOT_FOUND') return row
    return ok({ userId: userId ?? actor.userId, role, isOwner, user: row.success ? row.data.record : null })
  })
}

function register(call: AcceptedCall<UserActor, unknown>): Promise<ActionResult<{ user: RecordEnvelope }>> {
  const { actor, engine, record } = call
  const definition = collectionDefinition(engine.catalog.get('users')?.table)
  const profile = withoutOversized(engine, profileFromClaims(definition?.claims ?? new Map(), actor.claims))
  // What the audit shows: nothing was sent.
  record.accept(profile)
  const tool = { tool: 'users.register', record: `users/${actor.userId}`, writes: true }
  return writeAsCaller(call, (_records, attempt) =>
    attempt.call(tool, () => upsertUser(attempt, actor.userId, profile, 'claims')),
  )
}

/**
 * What a provider puts into a token is not the user's to mend: a claim that is too long for its field is as good as
 * absent, so that they can still sign in.
 */
function withoutOversized(
  { catalog, log }: Pick<Engine, 'catalog' | 'log'>,
  profile: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const sizes = catalog.get('users')?.sizes
  return Object.fromEntries(
    Object.entries(profile).filter(([field, value]) => {
      const size = sizes?.get(field)
      const problem = size && sizeProblem(size, value)
      if (problem) log.warn({ field }, `The claim for a field of users is left out: it ${problem}`)
      return problem === undefined
    }),
  )
}

function changeRole(call: AcceptedCall<UserActor, SetRoleInput>): Promise<ActionResult<SetRoleInput>> {
  const { engine, input } = call
  const tool = { tool: 'users.setRole', record: `users/${input.userId}`, writes: true }
  return writeAsCaller(call, (_records, attempt, caller) =>
    attempt.call(tool, async () => {
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
  call: AcceptedCall<UserActor, z.output<typeof schemas.list>>,
): Promise<ActionResult<Page<ListedUser<RecordEnvelope>>>> {
  const { engine, actor, input } = call
  const reads = directReads(call)
  const caller = new Caller(reads, actor, engine)
  const entry = engine.catalog.get('users')
  const options = entry ? optionsFromJson(entry, input) : input
  const page = await createCallerReads(reads, caller).query('users', options)
  if (!page.success) return page
  const role = await reads.call({ tool: 'users.list' }, async () => ok((await caller.ruleActor()).role))
  if (!role.success) return role
  if (role.data !== ADMIN_ROLE) return page
  const records = page.data.records.map((record) => ({
    ...record,
    isBlocked: engine.blockedUsers.has(record.recordId),
  }))
  return ok({ ...page.data, records })
}

async function changeBlocked(
  call: AcceptedCall<UserActor, SetBlockedInput>,
): Promise<ActionResult<SetBlockedInput>> {
  const { engine, actor, input } = call
  const tool = { tool: 'users.setBlocked', record: `users/${input.userId}`, writes: true }
  const result = await writeAsCaller(call, (_records, attempt, caller) =>
    attempt.call(tool, async () => {
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
