import { type Finding, ok, warning } from '../../core/finding.ts'
import type { Database } from '../../db/database.ts'
import type { ServerEnv } from '../../env/environment.ts'
import { unreachableIntegrations } from '../../integrations/unreachable-integrations.ts'
import type { AppParts } from '../define-app.ts'
import { integrationReach } from '../integration-reach.ts'
import { checkAgents } from './agents.ts'
import { checkConsole } from './console.ts'
import { checkDatabase, checkEmbedded, checkOpened } from './database.ts'
import { checkKeys } from './keys.ts'

export interface Examined {
  /** An environment that could be read. */
  readonly env: ServerEnv
  readonly parts: AppParts
  /** The embedded database, where this process has it open. @default it is looked for, and opened where no one has */
  readonly embedded?: Pick<Database, 'query' | 'location'> | undefined
}

/** Looks at what a server needs: database, migrations, pooler, clock, keys, owner, sign-in, agents, integrations. Changes nothing. */
export async function* examine({ env, parts, embedded }: Examined): AsyncGenerator<Finding, void> {
  if (embedded) yield* checkOpened(embedded, parts)
  else if (env.databaseUrl === undefined) yield* checkEmbedded(env.dataDir, parts)
  else
    yield* checkDatabase(
      { url: env.databaseUrl, directUrl: env.databaseDirectUrl, pooler: env.databasePooler },
      parts,
    )
  yield await checkKeys(env)
  yield checkOwner(env)
  yield* checkConsole(env)
  yield* checkAgents(env, parts)
  yield* checkIntegrations(env, parts)
}

function checkOwner({ ownerUserId }: ServerEnv): Finding {
  return ownerUserId === undefined
    ? warning('owner', 'none: set OWNER_USER_ID to the id of a user; until then owner actions are refused')
    : ok('owner', ownerUserId)
}

function checkIntegrations(env: ServerEnv, parts: AppParts): readonly Finding[] {
  const lacking = unreachableIntegrations(integrationReach(env, parts.integrations))
  const count = Object.keys(parts.integrations).length
  if (lacking.length === 0) return [ok('integrations', count === 0 ? 'none' : `all ${count} are configured`)]
  return lacking.map((text) => warning('integrations', `cannot be called: ${text}`))
}
