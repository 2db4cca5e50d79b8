import type { Command } from 'commander'
import type { Budget } from '../ledger/budgets.ts'
import type { Actions } from '../routers/registry.ts'
import { say } from './database-command.ts'
import { loadApp } from './load-app.ts'

const DESCRIPTION = `Prints every action, a line each, by name: whether it writes, who may call it, and its limits. The text is the
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
}

async function listActions(actions: Actions): Promise<readonly ListedAction[]> {
  const { actionDefinition } = await import('../builders/action.ts')
  const { DEFAULT_DEADLINE_MS } = await import('../trpc/call.ts')
  const list = ([name, action]: [string, unknown]): ListedAction[] => {
    const definition = actionDefinition(action)
    if (!definition) return [] // `defineApp` takes none such.
    const { role, isPrivileged, isInternal, kind, meta } = definition
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
      },
    ]
  }
  return Object.entries(actions)
    .flatMap(list)
    .sort((one, other) => (one.name < other.name ? -1 : 1))
}

function formatAction({ name, writes, callers, deadlineMs, audit, dryRun, budget }: ListedAction): string {
  const limits = [`deadline ${deadlineMs} ms`, `audit ${audit}`, `dry run by ${dryRun}`]
  if (budget) limits.push(...Object.entries(budget).map(([kind, most]) => `${most} ${kind} a day`))
  return `${name}: ${writes ? 'writes' : 'reads'}, for ${callers}; ${limits.join(', ')}`
}
