import type { ServerEnv } from '../env/environment.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'

/** What integrations are reached by, as the environment says it. */
export function integrationReach(env: ServerEnv, declarations: IntegrationDeclarations) {
  return {
    declarations,
    env: (name: string) => env.integrations.get(name),
    apiWorkerUrl: env.apiWorkerUrl,
    ownerJwt: env.appOwnerJwt,
    ownerUserId: env.ownerUserId,
  }
}
