import type { UserActor } from '../auth/actor.ts'
import { verifiedUser } from '../auth/authentication.ts'
import { CONFIRMATION } from '../builders/agent-meta.ts'
import { isRecord } from '../core/is-record.ts'
import { type ActionResult, type Failure, fail, type Success } from '../core/result.ts'
import { dryRunOf } from '../invocation/dry-run/report.ts'
import { type CallAnswer, callProcedure, countMissing, resultOf } from '../trpc/callable.ts'
import type { RequestContext } from '../trpc/context.ts'
import { findUnacceptableInput } from '../wire/plain-data.ts'
import { confirmationProblem, issueConfirmation, PROBLEMS } from './confirmation.ts'
import { type ToolResult, toolFailure, toolResult } from './tool-result.ts'
import { type AgentTool, type AgentTools, isVisible } from './tools.ts'

/** Where a client says the idempotency key of a call: its ids begin again with each session, and would repeat. */
const KEY_IN_META = 'deputyjs/idempotency-key'

/** What a client asks to be called, as it was sent. */
export interface ToolCallParams {
  readonly name?: unknown
  readonly arguments?: unknown
  readonly _meta?: unknown
}

/** What came of a call, or what it would do. */
type ToolAnswer = ActionResult<unknown> | (Success<unknown> & { readonly shown: true })

interface ToolCall {
  readonly tool: AgentTool
  readonly ctx: RequestContext
  readonly actor: UserActor
  readonly input: Readonly<Record<string, unknown>>
  readonly key: string | undefined
}

/** Calls a tool, and answers as its runner does. Undefined where there is no such tool for this caller. */
export async function callTool(
  tools: AgentTools,
  ctx: RequestContext,
  params: ToolCallParams,
): Promise<ToolResult | undefined> {
  const tool = typeof params.name === 'string' ? tools.get(params.name) : undefined
  if (!tool) {
    countMissing(ctx)
    return undefined
  }
  const caller = verifiedUser(await ctx.authenticator.authenticate())
  if ('failure' in caller) return toolFailure(caller.failure, ctx.requestId)
  const isHidden = async () => !(await isVisible(tool, { ctx, actor: caller.actor }))
  let answer: ToolAnswer
  try {
    answer = await answerOf(tool, ctx, caller.actor, params)
  } catch (error) {
    if (await isHidden()) return undefined
    throw error
  }
  // What a gate has refused is no tool of this caller's, whatever else is wrong with the call.
  if (!answer.success && (await isHidden())) return undefined
  if (!answer.success) return toolFailure(answer, ctx.requestId)
  return toolResult(answer.data, {
    isReplay: ctx.replayed.has(0),
    // A call that was shown is answered with what is an object always.
    isWrapped: tool.isWrapped && !('shown' in answer),
  })
}

async function answerOf(
  tool: AgentTool,
  ctx: RequestContext,
  actor: UserActor,
  { arguments: input = {}, _meta: meta }: ToolCallParams,
): Promise<ToolAnswer> {
  if (!isRecord(input)) return fail('BAD_REQUEST', 'The arguments of a tool are an object.')
  const key = isRecord(meta) && Object.hasOwn(meta, KEY_IN_META) ? meta[KEY_IN_META] : undefined
  if (key !== undefined && typeof key !== 'string')
    return fail('BAD_REQUEST', `_meta["${KEY_IN_META}"] must be a text.`)
  const call = { tool, ctx, actor, input, key }
  return tool.agent.confirm ? confirmed(call) : resultOf(await run(call))
}

/** Shows what a call would do; with its confirmation, does it: by the key that it came with, or by the confirmation. */
async function confirmed(call: ToolCall): Promise<ToolAnswer> {
  const { tool, ctx, actor } = call
  const { [CONFIRMATION]: token, ...input } = call.input
  const { confirmationMac, clock } = ctx.engine
  // A confirmation belongs to the key that it was asked for with: with another one it would be done twice.
  const asked = { userId: actor.userId, action: tool.name, input, key: call.key }
  // What could not be stored is refused as everywhere, and nothing is signed of it.
  if (findUnacceptableInput(input)) return resultOf(await run({ ...call, input, key: undefined }, true))
  if (token === undefined) {
    const shown = resultOf(await run({ ...call, input, key: undefined }, true))
    if (!shown.success) return shown
    const report = dryRunOf(shown)
    // What a real call would answer.
    if (report.failure) return report.failure
    const { token: confirmation, expiresAt } = issueConfirmation(confirmationMac, asked, clock())
    return { success: true, data: { [CONFIRMATION]: confirmation, expiresAt, wouldDo: report }, shown: true }
  }
  if (typeof token !== 'string') return badConfirmation(PROBLEMS.form)
  const problem = confirmationProblem(confirmationMac, token, asked, clock())
  const keyed = { ...call, input, key: call.key ?? token }
  if (problem === undefined) return resultOf(await run(keyed))
  const refused = badConfirmation(problem)
  if (problem !== PROBLEMS.age) return refused
  // What was done in time is answered as long as its key is kept.
  return resultOf(await run({ ...keyed, ctx: { ...ctx, unlessAnswered: refused } }))
}

function badConfirmation(problem: string): Failure {
  const message = `${problem}; call without it to see what the call would do, and to get a new one`
  return fail('BAD_REQUEST', `The confirmation ${message}.`, { issues: [{ path: [CONFIRMATION], message }] })
}

function run({ tool, ctx, input, key }: ToolCall, isDry = false): Promise<CallAnswer> {
  return callProcedure(tool.definition, {
    ctx: { ...ctx, idempotency: key === undefined ? [] : [key], dryRun: isDry ? {} : undefined },
    path: tool.path,
    batchIndex: 0,
    readInput: () => input,
  })
}
