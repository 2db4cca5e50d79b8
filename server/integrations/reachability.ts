import { type EnvLookup, missingVariables } from './connection.ts'
import type { IntegrationDeclarations } from './declare.ts'

/** What nothing leads to, a sentence each that names the variables to set. */
export function unreachableIntegrations(
  declarations: IntegrationDeclarations,
  env: EnvLookup,
  apiWorkerUrl: URL | undefined,
): readonly string[] {
  if (apiWorkerUrl) return []
  return Object.entries(declarations).flatMap(([name, { direct }]) => {
    const missing = direct ? missingVariables(direct, env) : []
    if (direct && missing.length === 0) return []
    const variables = [...(direct ? [missing.join(' and ')] : []), 'API_WORKER_URL'].join(', or ')
    return [`Integration "${name}" cannot be called: set ${variables}`]
  })
}
