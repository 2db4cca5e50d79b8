import { z } from 'zod'
import { fail, type JsonValue } from '../core/result.ts'
import { nothing } from './answers.ts'
import { configure, type IntegrationsOptions } from './configuration.ts'
import type { IntegrationDeclarations } from './declare.ts'
import { sendDirect } from './direct.ts'
import { parseEndpoint } from './endpoint.ts'
import type { Answer, CatalogueEntry, Integrations, OutboundCall, SendOptions } from './integrations.ts'
import { plan } from './plan.ts'
import { sendByProxy } from './proxy.ts'
import { asUnknown } from './retries.ts'

/** The app's integrations as they are configured. @throws {DefinitionError} that says what is declared wrongly. */
export function createIntegrations(options: IntegrationsOptions): Integrations {
  const configuration = configure(options)
  const { integrations } = configuration
  const catalogue = catalogueOf(options.declarations)

  async function send(call: OutboundCall, sendOptions: SendOptions): Promise<Answer> {
    const configured = integrations.get(call.integration)
    const endpoint = configured?.endpoints?.get(call.endpoint)
    if (call.transport === 'proxy') return sendByProxy(configuration, call, endpoint, sendOptions)
    // A message of the outbox may have been planned by a server that was configured otherwise.
    if (!endpoint || !configured?.connection)
      return nothing(fail('PRECONDITION_FAILED', `"${call.name}" cannot be reached as it was planned.`))
    return sendDirect(configuration, { call, endpoint, connection: configured.connection }, sendOptions)
  }

  return {
    plan: (text, data) => plan(configuration, text, data),
    async send(call, sendOptions) {
      const answer = await send(call, sendOptions)
      return sendOptions.isResent ? asUnknown(answer, call.reserve) : answer
    },
    clientsOf: (integration) => integrations.get(integration)?.declaration.clients,
    inputSchema(text) {
      const target = parseEndpoint(text)
      return target && integrations.get(target.integration)?.endpoints?.get(target.endpoint)?.input
    },
    catalogue: () => catalogue,
  }
}

/** What clients may call themselves: nothing of addresses, variables or secrets is in it. */
function catalogueOf(declarations: IntegrationDeclarations): readonly CatalogueEntry[] {
  return Object.entries(declarations).flatMap(([name, { billing, clients, direct }]) => {
    if (clients === 'none') return []
    const endpoints = Object.entries(direct?.endpoints ?? {}).map(([endpoint, { input }]) => ({
      name: endpoint,
      input: jsonSchema(input),
    }))
    return [{ name, billing, clients, endpoints }]
  })
}

function jsonSchema(schema: z.ZodType): JsonValue {
  return JSON.parse(JSON.stringify(z.toJSONSchema(schema, { unrepresentable: 'any', io: 'input' })))
}
