import type { Logger } from 'pino'
import { checkDeclarations } from './check-declarations.ts'
import { type Connection, connect, type EnvLookup, missingVariables } from './connection.ts'
import type { EndpointDeclaration, IntegrationDeclaration, IntegrationDeclarations } from './declarations.ts'
import type { HttpClient } from './http-client.ts'

export interface IntegrationsOptions {
  readonly declarations: IntegrationDeclarations
  /** The variables that the declarations name. */
  readonly env: EnvLookup
  /** `API_WORKER_URL`: the proxy, where there is one. */
  readonly apiWorkerUrl: URL | undefined
  /** `APP_OWNER_JWT`, the token that pays for `developer` integrations at the proxy. */
  readonly ownerJwt: string | undefined
  /** The user who pays for `developer` integrations. */
  readonly ownerUserId: string | undefined
  readonly http: HttpClient
  readonly log: Logger
  /** Milliseconds of a call by proxy whose endpoint declares no timeout. @default 30000 */
  readonly proxyTimeoutMs?: number
}

/** A declared integration with the connection to its provider. */
export interface ConfiguredIntegration {
  readonly declaration: IntegrationDeclaration
  /** All endpoints; undefined where the proxy alone knows them. */
  readonly endpoints: ReadonlyMap<string, EndpointDeclaration> | undefined
  /** The connection to the provider; undefined where a variable is missing. */
  readonly connection: Connection | undefined
  /** The variables that are missing. */
  readonly missing: readonly string[]
}

export interface Configuration extends Omit<IntegrationsOptions, 'declarations' | 'env'> {
  readonly integrations: ReadonlyMap<string, ConfiguredIntegration>
}

/** Checks the declarations and reads what they need of the environment. @throws {DefinitionError} */
export function configure({ declarations, env, ...rest }: IntegrationsOptions): Configuration {
  checkDeclarations(declarations)
  const integrations = new Map(
    Object.entries(declarations).map(([name, declaration]) => {
      const { direct } = declaration
      const configured: ConfiguredIntegration = {
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
