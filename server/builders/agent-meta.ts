import type { z } from 'zod'
import { DefinitionError } from '../core/errors.ts'
import type { AgentMeta } from '../trpc/init.ts'

/** The argument by which an agent confirms a call that it was shown. */
export const CONFIRMATION = 'confirmation'
const MAX_DESCRIPTION_LENGTH = 1_000

interface OfferedAction {
  readonly kind: 'query' | 'mutation'
  readonly isInternal: boolean
  readonly schema: z.ZodObject
  /** Whether all of its callers may see a dry run. */
  readonly isShown: boolean
}

/** Checks how agents are offered an action. @throws {DefinitionError} that says what is wrong with it. */
export function checkAgentMeta(agent: AgentMeta, action: OfferedAction): void {
  const problem = problemWith(agent, action)
  if (problem !== undefined) throw new DefinitionError(`meta.agent${problem}`)
}

function problemWith(
  { description, destructive, confirm }: AgentMeta,
  { kind, isInternal, schema, isShown }: OfferedAction,
): string | undefined {
  if (isInternal) return ' is for what clients call, and no client calls an internalAction'
  if (typeof description !== 'string' || description.trim() === '')
    return '.description must say what the action does: a model chooses its tools by it'
  if (description.length > MAX_DESCRIPTION_LENGTH)
    return `.description may have at most ${MAX_DESCRIPTION_LENGTH} characters, and has ${description.length}`
  if (kind === 'query' && destructive) return '.destructive is for a mutation: a query only reads'
  if (!confirm) return undefined
  if (kind === 'query') return '.confirm is for a mutation: a query does nothing that could be confirmed'
  if (!isShown)
    return ".confirm shows callers what a call would do: say dryRun: 'caller' as well, or make it an ownerAction"
  if (Object.hasOwn(schema.shape, CONFIRMATION))
    return `.confirm adds the argument "${CONFIRMATION}" to the tool: give that key of the input another name`
  return undefined
}
