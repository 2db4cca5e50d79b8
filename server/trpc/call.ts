import { getTRPCErrorFromUnknown, TRPCError } from '@trpc/server'
import type { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import { type ActionResult, type Failure, fail } from '../core/result.ts'
import { answerBefore } from '../invocation/call.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import type { Engine } from '../invocation/engine.ts'
import { noDryRun, toTrpcError } from '../invocation/failures.ts'
import { Invocation } from '../invocation/invocation.ts'
import { InvocationRecord, type RecordedCall } from '../invocation/invocation-record.ts'
import { recordCall } from '../invocation/record-call.ts'
import type { Budget } from '../ledger/budgets.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { createParse, TooMuchWork } from '../wire/parse.ts'
import { findUnacceptableInput } from '../wire/plain-data.ts'
import { UnacceptableInput } from '../wire/transformer.ts'
import type { RequestContext } from './context.ts'
import { InvalidInput, toFailure } from './error-shape.ts'
import type { Gate } from './gate.ts'
import { ACTIONS_PREFIX } from './init.ts'

/** One call, on whatever transport. */
export interface Call {
  readonly ctx: RequestContext
  /** As tRPC names the procedure. */
  readonly path: string
  /** The position in its batch, from 0. */
  readonly batchIndex: number
  /** Reads what was sent. It is called once, after the gate has let the caller in or when the gate asks. */
  readInput(): unknown
}

/** A call whose input was accepted. */
export interface AcceptedCall<TActor extends Actor, TInput> extends RecordedCall {
  readonly ctx: RequestContext
  readonly engine: Engine
  readonly actor: TActor
  readonly input: TInput
}

/** What a call leaves: nothing; a line in the log, and an audit row where it wrote, spent or failed; or always both. */
export type Trail = 'none' | 'when it matters' | 'always'

/** What can be called, and by whom. */
export interface CallOptions<TActor extends Actor, TSchema extends z.ZodType, TData> {
  /** A query only reads: it takes no idempotency key. */
  readonly kind: 'query' | 'mutation'
  readonly schema: TSchema
  /** Says who calls. @throws {TRPCError} for those who may not be heard. */
  readonly callers: (ctx: RequestContext) => TActor | Promise<TActor>
  /** @default lets everyone in whom `callers` has heard */
  readonly gate?: Gate<TActor> | undefined
  /** Whether calls count against the limit of their address. @default false */
  readonly isCounted?: boolean
  readonly trail: Trail
  /** Time that the handler may take in all its attempts. @default 10000 */
  readonly deadlineMs?: number | undefined
  /** Time that a call may last, with all its waits. @default 120000 */
  readonly lifetimeMs?: number | undefined
  /** Who may ask what it would do without doing it. @default no one: it has no dry run */
  readonly dryRun?: 'owner' | 'caller'
  /** What it may spend of the owner's money in a day, in place of the default. */
  readonly budget?: Partial<Budget> | undefined
  /** The schema that says what the audit may show of an input. @default `schema` */
  readonly shownBy?: (ctx: RequestContext, input: z.output<TSchema>) => z.ZodType | undefined
  /** Does what is called for. */
  run(call: AcceptedCall<TActor, z.output<TSchema>>): ActionResult<TData> | Promise<ActionResult<TData>>
}

type BeginOptions = Pick<
  CallOptions<Actor, z.ZodType, unknown>,
  'kind' | 'trail' | 'deadlineMs' | 'lifetimeMs' | 'budget'
>

export const DEFAULT_DEADLINE_MS = 10_000

/**
 * Makes the life of a call: who calls, whether they may, what they sent, what is done, and what is to be said of it
 * afterwards. Every procedure comes here, on every transport.
 *
 * The function throws a TRPCError: what the call was refused for, or what was thrown while it ran.
 */
export function createCall<TActor extends Actor, TSchema extends z.ZodType, TData>(
  options: CallOptions<TActor, TSchema, TData>,
): (call: Call) => Promise<ActionResult<TData>> {
  const { kind, schema, callers, gate, isCounted = false, trail, shownBy } = options
  const parse = createParse(schema)

  async function answer(
    { ctx, readInput }: Call,
    actor: TActor,
    recorded: RecordedCall,
  ): Promise<ActionResult<TData>> {
    const { invocation, record } = recorded
    const sent = onlyOnce(readInput)
    const refusal = gate && (await gate({ ctx, actor, readInput: sent }))
    if (refusal) throw toTrpcError(refusal)
    if (invocation.dryRun) refuseDryRun(ctx, actor, options.dryRun)
    const raw = await sent()
    refuseUnacceptable(raw)
    const revived = reviveBySchema(schema, raw)
    record.receive({ raw, revived })
    const parsed = await parse(revived)
    if (!parsed.success) {
      const before = await answerBefore(ctx.engine, recorded)
      // What the same call answered, when the schema took its input.
      if (before) return before as ActionResult<TData>
      throw new InvalidInput(parsed.issues)
    }
    const input = parsed.data
    record.accept(input, shownBy ? shownBy(ctx, input) : schema)
    return options.run({ ctx, engine: ctx.engine, actor, input, invocation, record })
  }

  async function made(call: Call): Promise<ActionResult<TData>> {
    const { ctx } = call
    const actor = await callers(ctx)
    refuseKeyOfRead(call, kind)
    const dryRun = dryRunOf(call, options.dryRun !== undefined)
    if (isCounted) countCall(ctx)
    const recorded = begin(call, actor, options, dryRun)
    let result: ActionResult<TData>
    try {
      result = await answer(call, actor, recorded)
    } catch (error) {
      const refusal = toCallError(error)
      if (trail !== 'none') await end(call, recorded, toFailure(refusal))
      throw refusal
    }
    if (trail !== 'none') await end(call, recorded, result.success ? undefined : result)
    return result
  }

  return async (call) => {
    const { source, engine } = call.ctx
    if (source !== 'client') return made(call)
    engine.clientCalls.inFlight += 1
    try {
      return await made(call)
    } finally {
      engine.clientCalls.inFlight -= 1
    }
  }
}

/** Reading changes what is read: a gate that has looked at the input leaves it to the parser. */
function onlyOnce(read: () => unknown): () => unknown {
  let value: { readonly read: unknown } | undefined
  return () => {
    value ??= { read: read() }
    return value.read
  }
}

function begin(
  { ctx, path, batchIndex }: Call,
  actor: Actor,
  { kind, trail, deadlineMs = DEFAULT_DEADLINE_MS, lifetimeMs, budget }: BeginOptions,
  dryRun: DryRunOptions | undefined,
): RecordedCall {
  const { engine, requestId, transport, source, ip, idempotency, keySpace, jobId } = ctx
  const invocation = new Invocation({
    actor,
    action: path.startsWith(ACTIONS_PREFIX) ? path.slice(ACTIONS_PREFIX.length) : path,
    requestId,
    readOnly: kind === 'query',
    deadlineMs,
    lifetimeMs,
    transport,
    source,
    keySpace,
    jobId,
    ip,
    key: kind === 'query' ? undefined : idempotency[batchIndex],
    isAudited: trail === 'always',
    actionBudget: budget,
    dryRun,
    log: engine.log,
  })
  return { invocation, record: new InvocationRecord(engine.fingerprint, engine.clock()) }
}

/** Leaves what there is to say of a call; to be awaited before its answer is given. */
async function end({ ctx, batchIndex }: Call, recorded: RecordedCall, failure: Failure | undefined) {
  if (recorded.record.isReplay) ctx.replayed.add(batchIndex)
  const written = recordCall(ctx.engine, recorded, failure)
  if (written) await written
  const stop = ctx.engine.failpoint('before-respond')
  if (stop) await stop
}

/** Refuses what could not be stored or sent as it is, before a schema looks at it. */
function refuseUnacceptable(raw: unknown): void {
  const issue = raw instanceof UnacceptableInput ? raw.issue : findUnacceptableInput(raw)
  if (issue) throw new InvalidInput([issue])
}

/** Refuses a key that would be of no use, since what only reads can be repeated as it is. @throws {TRPCError} */
function refuseKeyOfRead({ ctx, batchIndex }: Call, kind: 'query' | 'mutation'): void {
  // In process the key is an option of the caller, for the mutations among what is called.
  if (kind !== 'query' || ctx.transport === 'caller' || ctx.idempotency[batchIndex] === undefined) return
  throw toTrpcError(
    fail('BAD_REQUEST', 'An Idempotency-Key is for what writes, and this only reads: leave it out.'),
  )
}

/** Gives the options of a dry run. @throws {TRPCError} where it is asked for what there is not. */
function dryRunOf({ ctx, batchIndex }: Call, hasDryRun: boolean): DryRunOptions | undefined {
  const { dryRun } = ctx
  if (dryRun === undefined) return undefined
  const refusal = dryRunRefusal(dryRun, hasDryRun, ctx.idempotency[batchIndex] !== undefined)
  if (refusal) throw toTrpcError(refusal)
  return dryRun === 'invalid' ? undefined : dryRun
}

function dryRunRefusal(dryRun: unknown, hasDryRun: boolean, hasKey: boolean): Failure | undefined {
  if (dryRun === 'invalid')
    return fail('BAD_REQUEST', 'Deputy-Dry-Run must be true; leave it out for a call that counts.')
  if (!hasDryRun) return noDryRun()
  return hasKey
    ? fail('BAD_REQUEST', 'A dry run takes no Idempotency-Key: nothing of it is kept that could be repeated.')
    : undefined
}

/** Refuses a dry run to whom it could tell what the rules hide. @throws {TRPCError} */
function refuseDryRun({ engine }: RequestContext, actor: Actor, by: 'owner' | 'caller' | undefined): void {
  const isOwner = actor.kind === 'user' && actor.userId === engine.ownerUserId
  if (isOwner || by === 'caller') return
  const isUnset = engine.ownerUserId === undefined ? ', and OWNER_USER_ID is not set' : ''
  throw toTrpcError(fail('FORBIDDEN', `Only the app's owner may ask for a dry run of this action${isUnset}.`))
}

/** Counts a call against the limit of its address. @throws {TRPCError} for one too many. */
function countCall(ctx: RequestContext): void {
  const refused = ctx.countCall()
  if (!refused) return
  ctx.engine.log.info({ requestId: ctx.requestId }, 'A call was one too many of its address')
  throw toTrpcError(refused)
}

function toCallError(error: unknown): TRPCError {
  const cause =
    error instanceof TooMuchWork ? new InvalidInput([{ path: [], message: error.message }]) : error
  return cause instanceof InvalidInput
    ? new TRPCError({ code: 'BAD_REQUEST', message: cause.message, cause })
    : getTRPCErrorFromUnknown(cause)
}
