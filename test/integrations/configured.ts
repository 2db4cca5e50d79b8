import { pino } from 'pino'
import type { JsonValue } from '../../server/core/result.ts'
import type { IntegrationsOptions } from '../../server/integrations/configuration.ts'
import { createIntegrations } from '../../server/integrations/create-integrations.ts'
import type { IntegrationDeclarations } from '../../server/integrations/declarations.ts'
import { createHttpClient } from '../../server/integrations/http-client.ts'
import type { Integrations, OutboundCall, SendOptions } from '../../server/integrations/integrations.ts'

export interface ConfiguredOptions
  extends Partial<Pick<IntegrationsOptions, 'apiWorkerUrl' | 'ownerJwt' | 'ownerUserId' | 'proxyTimeoutMs'>> {
  readonly declarations?: IntegrationDeclarations
  readonly env?: Readonly<Record<string, string>>
  /** @default all that are named here */
  readonly allowPrivate?: readonly string[]
}

/** Integrations as a server would have them, on a client that may reach this machine. What they log is kept. */
export function configured({ declarations = {}, env = {}, allowPrivate, ...rest }: ConfiguredOptions) {
  const variables = new Map(Object.entries(env))
  const logged: string[] = []
  const addresses = [rest.apiWorkerUrl, ...variables.values()]
    .map(String)
    .filter((text) => URL.canParse(text))
  const http = createHttpClient({ allowPrivate: allowPrivate ?? addresses.map((text) => new URL(text).host) })
  const integrations = createIntegrations({
    apiWorkerUrl: undefined,
    ownerJwt: undefined,
    ownerUserId: 'owner',
    ...rest,
    declarations,
    env: (name) => variables.get(name),
    http,
    log: pino({ level: 'debug' }, { write: (line: string) => logged.push(line) }),
  })
  return Object.assign(integrations, { logged, close: () => http.close() })
}

function planned(integrations: Integrations, endpoint: string, data?: JsonValue): OutboundCall {
  const call = integrations.plan(endpoint, data)
  if (!call.success) throw new Error(call.error)
  return call.data
}

/** Plans a call and makes it. */
export function ask(
  integrations: Integrations,
  endpoint: string,
  data?: JsonValue,
  options: Partial<SendOptions> = {},
) {
  return integrations.send(planned(integrations, endpoint, data), {
    callerJwt: undefined,
    idempotencyKey: 'key-of-the-call',
    timeoutMs: 10_000,
    ...options,
  })
}
