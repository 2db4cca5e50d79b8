import { z } from 'zod'
import { fail, type JsonValue } from '../core/result.ts'
import { secretValues } from '../wire/secret-values.ts'
import { configure, type IntegrationsOptions } from './configuration.ts'
import type { IntegrationDeclarations } from './declarations.ts'
import { parseEndpoint } from './endpoint.ts'
import type {
  Integrations,
  OutboundAnswer,
  OutboundCall,
  PublicIntegration,
  SendOptions,
} from './integrations.ts'
import { answerWithoutEffect } from './outbound-answer.ts'
import { planCall } from './plan-call.ts'
import { redactSecrets } from './redact-secrets.ts'
import { sendByProxy } from './send-by-proxy.ts'
import { sendDirect } from './send-direct.ts'
import { withUnknownOutcome } from './with-retries.ts'

/** Creates the app's configured integrations. @throws {DefinitionError} for a declaration that cannot work. */
export function createIntegrations(options: IntegrationsOptions): Integrations {
  const configuration = configure(options)
  const { integrations } = configuration
  const publicIntegrations = publicIntegrationsOf(options.declarations)

  async function send(call: OutboundCall, sendOptions: SendOptions): Promise<OutboundAnswer> {
    const configured = integrations.get(call.integration)
    const endpoint = configured?.endpoints?.get(call.endpoint)
    if (call.transport === 'proxy') return sendByProxy(configuration, call, endpoint, sendOptions)
    // A server with another configuration may have planned a message of the outbox.
    if (!endpoint || !configured?.connection)
      return answerWithoutEffect(
        fail('PRECONDITION_FAILED', `"${call.name}" cannot be reached as it was planned.`),
      )
    const { connection, declaration } = configured
    const isTraced = declaration.trace === true
    return sendDirect(configuration, { call, endpoint, connection, isTraced }, sendOptions)
  }

  const schemaOf = ({ integration, endpoint }: Pick<OutboundCall, 'integration' | 'endpoint'>) =>
    integrations.get(integration)?.endpoints?.get(endpoint)?.input

  return {
    plan: (text, data) => planCall(configuration, text, data),
    async send(call, sendOptions) {
      const answer = withoutSecretData(await send(call, sendOptions), call, schemaOf(call))
      return sendOptions.isResent ? withUnknownOutcome(answer, call.reserve) : answer
    },
    clientsOf: (integration) => integrations.get(integration)?.declaration.clients,
    inputSchema(text) {
      const target = parseEndpoint(text)
      return target && schemaOf(target)
    },
    publicIntegrations: () => publicIntegrations,
  }
}

/** A provider may say back what it refuses. What the endpoint marks secret is kept and shown in no failure. */
function withoutSecretData(
  answer: OutboundAnswer,
  { data }: OutboundCall,
  schema: z.ZodType | undefined,
): OutboundAnswer {
  const { result } = answer
  const secrets = result.success || !schema ? [] : secretValues(schema, data).map(String)
  if (result.success || secrets.length === 0) return answer
  const masked = <T extends JsonValue>(text: T) => redactSecrets(text, secrets) as T // Of the same shape.
  const { error, issues } = result
  const shown = issues?.map((issue) => ({
    ...issue,
    path: masked([...issue.path]),
    message: masked(issue.message),
  }))
  return { ...answer, result: { ...result, error: masked(error), ...(shown ? { issues: shown } : {}) } }
}

/** What an app's declarations say of its integrations, without a configuration. */
export function describedIntegrations(
  declarations: IntegrationDeclarations,
): Pick<Integrations, 'inputSchema' | 'publicIntegrations'> {
  const listed = publicIntegrationsOf(declarations)
  return {
    publicIntegrations: () => listed,
    inputSchema(text) {
      const target = parseEndpoint(text)
      return target && declarations[target.integration]?.direct?.endpoints?.[target.endpoint]?.input
    },
  }
}

/** Lists what clients may call without an action, without addresses, variables or secrets. */
function publicIntegrationsOf(declarations: IntegrationDeclarations): readonly PublicIntegration[] {
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
