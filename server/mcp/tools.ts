import type { UserActor } from '../auth/actor.ts'
import type { ActionDefinition } from '../builders/action-definition.ts'
import type { NamedAction } from '../builders/named-actions.ts'
import { type ActionResult, type Failure, ok } from '../core/result.ts'
import type { RequestContext } from '../trpc/context.ts'
import type { AgentMeta } from '../trpc/init.ts'
import { ACTIONS_PREFIX } from '../trpc/init.ts'
import { describeTool, type ToolDescription } from './describe-tool.ts'
import { describeOutput } from './tool-output.ts'

/** An action as agents call it. */
export interface AgentTool {
  readonly name: string
  /** As tRPC names the procedure. */
  readonly path: string
  readonly definition: ActionDefinition
  readonly agent: AgentMeta
  /** What a list says of it. */
  readonly description: ToolDescription
  /** Whether its data stands under a key of the structured content, whatever it is. */
  readonly isWrapped: boolean
}

/** The tools of an app, by name. */
export type AgentTools = ReadonlyMap<string, AgentTool>

/** Finds the actions that agents may call, and describes each once. */
export function createAgentTools(actions: readonly NamedAction[], describe = describeTool): AgentTools {
  const tools = new Map<string, AgentTool>()
  for (const { name, definition } of actions) {
    const { agent } = definition.meta
    if (!agent || definition.isInternal) continue
    const { schema, isWrapped } = describeOutput(definition.output, agent.confirm ?? false)
    const description = describe(name, definition, agent, schema)
    tools.set(name, { name, path: ACTIONS_PREFIX + name, definition, agent, description, isWrapped })
  }
  return tools
}

interface ToolCaller {
  readonly ctx: RequestContext
  readonly actor: UserActor
}

/** Lists the tools that a caller may call. Each gate is asked once, however many actions have it. */
export async function visibleTools(
  tools: Iterable<AgentTool>,
  caller: ToolCaller,
): Promise<ActionResult<readonly ToolDescription[]>> {
  const decisions = new Map<unknown, Promise<Failure | undefined>>()
  const visible: ToolDescription[] = []
  for (const { definition, description } of tools) {
    // Gates of one role are many functions that decide the same.
    const key = definition.role ?? definition.gate
    const decision = decisions.get(key) ?? refusalOf(definition, caller)
    decisions.set(key, decision)
    const refusal = await decision
    if (!refusal) visible.push(description)
    // That it cannot be read who calls hides nothing: it is no list.
    else if (refusal.code !== 'FORBIDDEN') return refusal
  }
  return ok(visible)
}

/** Whether there is such a tool for a caller. */
export async function isVisible({ definition }: AgentTool, caller: ToolCaller): Promise<boolean> {
  const refusal = await refusalOf(definition, caller)
  return refusal?.code !== 'FORBIDDEN'
}

/** Asks the gate of an action, and nothing else of it. */
async function refusalOf(
  { gate }: ActionDefinition,
  { ctx, actor }: ToolCaller,
): Promise<Failure | undefined> {
  return gate?.({ ctx, actor, readInput: () => undefined })
}
