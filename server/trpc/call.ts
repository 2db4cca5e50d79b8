import type { z } from 'zod'
import type { Actor } from '../auth/actor.ts'
import type { ActionResult, Failure } from '../core/result.ts'
import { answerBefore } from '../invocation/call.ts'
import type { CallSlot } from '../invocation/call-slots.ts'
import type { DryRunOptions } from '../invocation/dry-run/options.ts'
import type { Engine } from '../invocation/engine.ts'
import { toTrpcError } from '../invocation/failures.ts'
import { Invocation } from '../invocation/invocation.ts'
import { InvocationRecord, type RecordedCall } from '../invocation/invocation-record.ts'
import { recordCall, recordSlowCall } from '../invocation/record-call.ts'
import { Timeline } from '../invocation/timeline.ts'
import type { Budget } from '../ledger/budgets.ts'
import type { DeclaredLimit } from '../limits/action-limit.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { createParse } from '../wire/parse.ts'
import { findUnacceptableInput } from '../wire/plain-data.ts'
import { UnacceptableInput } from '../wire/serialize.ts'
import { checkHeaders, noticeWrites, refuseDryRun } from './call-headers.ts'
import { CallLimits, enterSlot } from './call-limits.ts'
import type { RequestContext } from './context.ts'
import { InvalidInput, toCallError, toFailure } from './error-shape.ts'
import type { Gate } from './gate.ts'
import { calledName, errorContextOf, type SeenCall, tellEnd, tracedCall } from './seen-call.ts'

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
  /** How often it may be called, beside the limits of the whole app. @default undefined */
  readonly limit?: DeclaredLimit | undefined
  /** Whether it calls an integration without an action, which has a limit of its own. @default false */
  readonly isIntegration?: boolean
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
  /** What the answer stands for, where it is no answer itself: a stream's first one. A failure counts as the call's. */
  readonly answered?: (data: TData) => ActionResult<unknown> | undefined
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
  const { kind, schema, callers, gate, trail, shownBy } = options
  const parse = createParse(schema)

  async function answer(
    { ctx, readInput }: Call,
    actor: TActor,
    recorded: RecordedCall,
    limits: CallLimits | undefined,
  ): Promise<ActionResult<TData>> {
    const { invocation, record, slot } = recorded
    const sent = onlyOnce(readInput)
    limits?.refuseFailing()
    const decision = gate?.({ ctx, actor, readInput: sent })
    // Most decide at once, and most inputs are there: a call waits for nothing that it need not wait for.
    const refusal =
      decision instanceof Promise ? await record.timeline.during('gate', undefined, () => decision) : decision
    if (refusal) throw toTrpcError(refusal)
    const taking = limits?.take()
    if (taking) await record.timeline.during('limits', undefined, () => taking)
    if (invocation.dryRun) refuseDryRun(ctx, actor, options.dryRun)
    const read = sent()
    const raw = read instanceof Promise ? await read : read
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
    if (ctx.unlessAnswered)
      return ((await answerBefore(ctx.engine, recorded)) ?? ctx.unlessAnswered) as ActionResult<TData>
    return options.run({ ctx, engine: ctx.engine, actor, input, invocation, record, slot })
  }

  function endOf(result: ActionResult<TData>): ActionResult<unknown> {
    return (result.success && options.answered?.(result.data)) || result
  }

  async function made(call: Call, seen: SeenCall): Promise<ActionResult<TData>> {
    const { ctx } = call
    const { timeline } = seen
    const known = callers(ctx)
    const actor = known instanceof Promise ? await known : known
    const dryRun = checkHeaders(call, kind, options.dryRun !== undefined)
    ctx.heard.add(call.batchIndex)
    const entered = enterSlot({ ctx, actor, timeline })
    seen.slot = entered instanceof Promise ? await entered : entered
    const recorded = begin(call, timeline, actor, options, dryRun, seen.slot)
    seen.recorded = recorded
    ctx.engine.liveCalls.add(recorded)
    const limits = CallLimits.of(call, actor, options)
    let result: ActionResult<TData>
    try {
      result = await answer(call, actor, recorded, limits)
      if (result.success && ctx.tellsWrites === true) await noticeWrites(call, recorded)
    } catch (error) {
      const refusal = toCallError(error)
      const failure = toFailure(refusal)
      limits?.end(recorded.record, failure)
      const left = leaveTrail(call, recorded, failure)
      if (left) await left
      throw refusal
    }
    const end = endOf(result)
    limits?.end(recorded.record, end)
    const left = leaveTrail(call, recorded, end.success ? undefined : end)
    if (left) await left
    return result
  }

  /** Leaves what there is to say of a call. @returns what its answer has to wait for, if anything. */
  function leaveTrail(
    { ctx, batchIndex }: Call,
    recorded: RecordedCall,
    failure: Failure | undefined,
  ): Promise<void> | void {
    const { engine } = ctx
    if (trail === 'none') {
      recordSlowCall(engine, recorded, failure?.code ?? 'OK')
      return
    }
    if (recorded.record.isReplay) ctx.replayed.add(batchIndex)
    const written = recordCall(engine, recorded, failure)
    return written
      ? written.then(() => engine.failpoint('before-respond'))
      : engine.failpoint('before-respond')
  }

  return async (call) => {
    const { engine, jobId } = call.ctx
    const span = engine.tracing?.begin(tracedCall(call))
    const seen: SeenCall = {
      ctx: call.ctx,
      path: call.path,
      timeline: new Timeline(span),
      slot: undefined,
      recorded: undefined,
    }
    let result: ActionResult<TData>
    try {
      result = await (span ? span.run(() => made(call, seen)) : made(call, seen))
    } catch (error) {
      const refusal = toCallError(error)
      const { code } = toFailure(refusal)
      tellEnd(seen, code, error)
      // That of a job is told when the job is given up.
      if (code === 'INTERNAL_SERVER_ERROR' && jobId === undefined)
        engine.errorReports.report(refusal.cause ?? refusal, errorContextOf(seen))
      throw error
    } finally {
      seen.slot?.leave()
      if (seen.recorded) engine.liveCalls.delete(seen.recorded)
    }
    const end = endOf(result)
    tellEnd(seen, end.success ? 'OK' : end.code)
    return result
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
  timeline: Timeline,
  actor: Actor,
  { kind, trail, deadlineMs = DEFAULT_DEADLINE_MS, lifetimeMs, budget }: BeginOptions,
  dryRun: DryRunOptions | undefined,
  slot: CallSlot | undefined,
): RecordedCall {
  const { engine, requestId, transport, source, ip, idempotency, keySpace, jobId } = ctx
  const invocation = new Invocation({
    actor,
    action: calledName(path),
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
    tellsWrites: ctx.tellsWrites === true,
    trace: timeline.span,
    log: engine.log,
  })
  const record = new InvocationRecord(engine.fingerprint, engine.clock(), timeline)
  return { invocation, record, slot }
}

/** Refuses what could not be stored or sent as it is, before a schema looks at it. */
function refuseUnacceptable(raw: unknown): void {
  const issue = raw instanceof UnacceptableInput ? raw.issue : findUnacceptableInput(raw)
  if (issue) throw new InvalidInput([issue])
}
