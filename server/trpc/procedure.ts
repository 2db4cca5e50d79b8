import { TRPCError } from '@trpc/server'
import type { z } from 'zod'
import type { Actor, UserActor } from '../auth/actor.ts'
import { type Authentication, knownActor, verifiedUser } from '../auth/authentication.ts'
import { fail } from '../core/result.ts'
import { thrown } from '../invocation/thrown.ts'
import { findUnacceptableInput } from '../wire/guard.ts'
import { createParse, type Parsed } from '../wire/parse.ts'
import { UnacceptableInput } from '../wire/transformer.ts'
import type { RequestContext } from './context.ts'
import { InvalidInput } from './error-shape.ts'
import { t } from './init.ts'

/** A procedure for verified users; its context knows who calls. */
export const userProcedure = t.procedure.use(async ({ ctx, next, type, batchIndex }) => {
  const actor = await authenticated(ctx)
  refuseKeyOfRead(ctx, type, batchIndex)
  return next({ ctx: { actor } })
})

/** A procedure for anybody: without a token the caller is anonymous. A bad token is refused all the same. */
export const anyoneProcedure = t.procedure.use(async ({ ctx, next, type, batchIndex }) => {
  const actor = await identified(ctx)
  refuseKeyOfRead(ctx, type, batchIndex)
  return next({ ctx: { actor } })
})

/** Refuses what could not be stored or sent as it is, before a schema looks at it. */
export function refuseUnacceptable(raw: unknown): void {
  const issue = raw instanceof UnacceptableInput ? raw.issue : findUnacceptableInput(raw)
  if (issue) throw badRequest(new InvalidInput([issue]))
}

/** A procedure's parser: the schema's answer, or an error that names what is wrong. */
export function parserOf<TSchema extends z.ZodType>(schema: TSchema) {
  const parse = createParse(schema)
  const accepted = (parsed: Parsed<z.output<TSchema>>): z.output<TSchema> => {
    if (parsed.success) return parsed.data
    throw new InvalidInput(parsed.issues)
  }
  return (value: unknown): z.output<TSchema> | Promise<z.output<TSchema>> => {
    const parsed = parse(value)
    return parsed instanceof Promise ? parsed.then(accepted) : accepted(parsed)
  }
}

/** What only reads can be repeated as it is; a key that would be of no use is not dropped without a word. */
export function refuseKeyOfRead(
  { transport, idempotency }: RequestContext,
  type: string,
  batchIndex: number,
): void {
  // In process the key is an option of the caller, for the mutations among what is called.
  if (type !== 'query' || transport === 'caller' || idempotency[batchIndex] === undefined) return
  const problem = 'An Idempotency-Key is for what writes, and this only reads: leave it out.'
  throw thrown(fail('BAD_REQUEST', problem))
}

/** An input that was refused, as tRPC wants it thrown. */
export function badRequest(cause: InvalidInput): TRPCError {
  return new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause })
}

/** The verified user who calls: at once where it is known already. @throws {TRPCError} when there is none. */
export function authenticated({ authenticator }: RequestContext): UserActor | Promise<UserActor> {
  const { settled } = authenticator
  return settled ? userOf(settled) : authenticator.authenticate().then(userOf)
}

function userOf(authentication: Authentication): UserActor {
  const caller = verifiedUser(authentication)
  if ('failure' in caller) throw thrown(caller.failure)
  return caller.actor
}

async function identified(ctx: RequestContext): Promise<Actor> {
  const caller = knownActor(await ctx.authenticator.authenticate())
  if ('failure' in caller) throw thrown(caller.failure)
  return caller.actor
}
