import type { Command } from 'commander'
import type { JsonObject } from '../core/result.ts'
import type { Budget } from '../ledger/budgets.ts'
import type { ActionLimit } from '../limits/action-limit.ts'
import type { Actions } from '../routers/registry.ts'
import { say } from './database-command.ts'
import { loadApp } from './load-app.ts'

const DESCRIPTION = `Prints every action, a line each, by name: whether it writes, who may call it, its limits, and what
it says of itself. The text is the
same for the same actions: kept in a test, it shows in a diff what has become callable. It needs no database.`

/** Adds `deputy actions`. */
export function addActions(program: Command): void {
  program
    .command('actions')
    .summary('list the actions: who may call each, and its limits')
    .description(DESCRIPTION)
    .option('--json', 'print JSON')
    .option('--built', 'of dist/, as with NODE_ENV=production')
    .action(async ({ json, built }: { readonly json?: true; readonly built?: true }) => {
      const { app } = await loadApp({ isBuilt: built })
      const listed = await listActions(app.actions)
      if (json) say(JSON.stringify(listed, null, 2))
      else for (const action of listed) say(formatAction(action))
    })
}

/** One action as it is listed. */
interface ListedAction {
  readonly name: string
  readonly writes: boolean
  /** `every user` with a valid token, `owner`, a role, or `no client`. */
  readonly callers: string
  readonly deadlineMs: number
  readonly audit: 'always' | 'when it matters'
  readonly dryRun: 'owner' | 'caller'
  /** What it may spend of the owner's money in a day, where it says so itself. */
  readonly budget: Partial<Budget> | null
  /** How often it may be called, where it says so itself. */
  readonly limit: ActionLimit | null
  readonly summary: string | null
  readonly description: string | null
  readonly deprecated: boolean
  readonly tags: readonly string[]
  /** What it answers with on success, as JSON Schema, where it is declared. */
  readonly output: JsonObject | null
}

async function listActions(actions: Actions): Promise<readonly ListedAction[]> {
  const { actionDefinition } = await import('../builders/action-definition.ts')
  const { jsonSchemaOf } = await import('../wire/json-schema.ts')
  const { DEFAULT_DEADLINE_MS } = await import('../trpc/call.ts')
  const list = ([name, action]: [string, unknown]): ListedAction[] => {
    const definition = actionDefinition(action)
    if (!definition) return [] // `defineApp` takes none such.
    const { role, isPrivileged, isInternal, kind, meta, output } = definition
    return [
      {
        name,
        writes: kind === 'mutation',
        callers: isInternal
          ? 'no client'
          : isPrivileged
            ? role === undefined
              ? 'owner'
              : `role ${role}`
            : 'every user',
        deadlineMs: meta.deadlineMs ?? meta.lifetimeMs ?? DEFAULT_DEADLINE_MS,
        audit: isPrivileged ? 'always' : (meta.audit ?? 'when it matters'),
        dryRun: meta.dryRun ?? 'owner',
        budget: meta.budget ?? null,
        limit: meta.limit ?? null,
        summary: meta.summary ?? null,
        description: meta.description ?? null,
        deprecated: meta.deprecated ?? false,
        tags: meta.tags ?? [],
        output: output ? jsonSchemaOf(output, 'output').schema : null,
      },
    ]
  }
  return Object.entries(actions)
    .flatMap(list)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

function formatAction(action: ListedAction): string {
  const { name, writes, callers, deadlineMs, audit, dryRun, budget, limit, summary } = action
  const limits = [`deadline ${deadlineMs} ms`, `audit ${audit}`, `dry run by ${dryRun}`]
  if (budget) limits.push(...Object.entries(budget).map(([kind, most]) => `${most} ${kind} a day`))
  if (limit) limits.push(formatLimit(limit))
  if (action.output) limits.push('output declared')
  if (action.tags.length > 0) limits.push(`tagged ${action.tags.join(', ')}`)
  if (action.deprecated) limits.push('deprecated')
  const said = summary === null ? '' : `: ${summary}`
  return `${name}: ${writes ? 'writes' : 'reads'}, for ${callers}; ${limits.join(', ')}${said}`
}

/** `5 a minute of one user, at most 2 at once, a call counts for 3`. */
function formatLimit({ rate, per, burst, by = 'user', weight }: ActionLimit): string {
  const parts: string[] = []
  if (rate !== undefined) parts.push(`${rate} ${per === 'hour' ? 'an' : 'a'} ${per} of one ${by}`)
  if (burst !== undefined) parts.push(`at most ${burst} at once`)
  if (weight !== undefined) parts.push(`a call counts for ${weight}`)
  return parts.join(', ')
}
