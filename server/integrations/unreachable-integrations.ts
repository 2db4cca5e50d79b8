import type { IntegrationsOptions } from './configuration.ts'
import { missingVariables } from './connection.ts'

type Options = Pick<IntegrationsOptions, 'declarations' | 'env' | 'apiWorkerUrl' | 'ownerJwt' | 'ownerUserId'>

/** Lists the integrations that cannot be called, each with the variables to set. */
export function unreachableIntegrations(options: Options): readonly string[] {
  const { declarations, env, apiWorkerUrl, ownerJwt, ownerUserId } = options
  return Object.entries(declarations).flatMap(([name, { billing, direct }]) => {
    const lacking = (variables: string) => [`${name} (set ${variables})`]
    const missing = direct ? missingVariables(direct, env) : []
    const isDirect = direct !== undefined && missing.length === 0
    if (!isDirect && !apiWorkerUrl)
      return lacking([...(direct ? [missing.join(' and ')] : []), 'API_WORKER_URL'].join(', or '))
    if (billing === 'user') return []
    if (ownerUserId === undefined) return lacking("OWNER_USER_ID, since the app's owner pays for it")
    if (!isDirect && ownerJwt === undefined)
      return lacking("APP_OWNER_JWT, since the app's owner pays for it")
    return []
  })
}
