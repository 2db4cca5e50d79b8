import type { Logger } from 'pino'
import { type Connection, connect, type EnvLookup, missingVariables } from './connection.ts'
import type { EndpointDeclaration, IntegrationDeclaration, IntegrationDeclarations } from './declare.ts'
import { checkDeclarations } from './definition.ts'
import type { HttpClient } from './http-client.ts'

export interface IntegrationsOptions {
  readonly declarations: IntegrationDeclarations
  /** The variables that the declarations name. */
  readonly env: EnvLookup
  /** `API_WORKER_URL`: the proxy, where there is one. */
  readonly apiWorkerUrl: URL | undefined
  /** `APP_OWNER_JWT`, which pays at the proxy for `developer` integrations. */
  readonly ownerJwt: string | undefined
  /** Whose money `developer` integrations spend. */
  readonly ownerUserId: string | undefined
  readonly http: HttpClient
  readonly log: Logger
  /** Of a call by proxy, for what declares no time of its own. @default 30000 */
  readonly proxyTimeoutMs?: number
}

/** A declared integration, and how its provider is reached. */
export interface Configured {
  readonly declaration: IntegrationDeclaration
  /** All that there are; undefined where the proxy alone knows them. */
  readonly endpoints: ReadonlyMap<string, EndpointDeclaration> | undefined
  /** undefined where the provider itself cannot be reached. */
  readonly connection: Connection | undefined
  /** What would have to be set for that. */
  readonly missing: readonly string[]
}

export interface Configuration extends Omit<IntegrationsOptions, 'declarations' | 'env'> {
  readonly integrations: ReadonlyMap<string, Configured>
}

/** Checks the declarations and reads what they need of the environment. @throws {DefinitionError} */
export function configure({ declarations, env, ...rest }: IntegrationsOptions): Configuration {
  checkDeclarations(declarations)
  const integrations = new Map(
    Object.entries(declarations).map(([name, declaration]) => {
      const { direct } = declaration
      const configured: Configured = {
        declaration,
        endpoints: direct && new Map(Object.entries(direct.endpoints)),
        connection: direct && connect(direct, env),
        missing: direct ? missingVariables(direct, env) : [],
      }
      return [name, configured]
    }),
  )
  return { ...rest, integrations }
}
