import type { JsonObject } from '../core/result.ts'
import type { Integrations, PublicIntegration } from '../integrations/integrations.ts'
import { ANSWERS } from './answers.ts'
import type { Components } from './components.ts'
import { operation, pathParameter } from './operation.ts'

type DescribedIntegrations = Pick<Integrations, 'inputSchema' | 'publicIntegrations'>

/** Writes the paths of the integrations that clients may call without an action. */
export function integrationPaths(components: Components, integrations: DescribedIntegrations): JsonObject {
  const list = ANSWERS.get('integrations.list')
  const data = list
    ? components.describe('output.integrations.list', list, 'output', 'the output of integrations.list')
    : {}
  const own = integrations.publicIntegrations().flatMap((each) => pathsOf(components, integrations, each))
  return {
    '/api/integrations': {
      get: operation({
        id: 'integrations.list',
        tags: ['integrations'],
        summary: 'Lists the integrations that clients may call',
        data,
        isOpen: true,
      }),
    },
    ...Object.fromEntries(own),
  }
}

function pathsOf(
  components: Components,
  integrations: DescribedIntegrations,
  { name, clients, endpoints }: PublicIntegration,
): [string, JsonObject][] {
  const common = {
    tags: ['integrations'],
    data: { description: 'What the third party answered with.' },
    mayLackData: true,
    isOpen: clients === 'anyone',
    key: 'taken',
    runsApp: true,
  } as const
  if (endpoints.length === 0) {
    const post = operation({
      ...common,
      id: `integration.${nameOf(name)}`,
      summary: `Calls an endpoint of ${name}`,
      parameters: [pathParameter('endpoint', 'The name of an endpoint.')],
      body: { schema: {}, isRequired: false },
    })
    return [[`/api/integrations/${name}/{endpoint}`, { post }]]
  }
  return endpoints.map((endpoint) => {
    const id = `${name}/${endpoint.name}`
    const schema = integrations.inputSchema(id)
    const called = `integration.${nameOf(name)}.${nameOf(endpoint.name)}`
    const of = `the data of integration endpoint "${id}"`
    const input = schema ? components.describe(`input.${called}`, schema, 'input', of) : {}
    const post = operation({
      ...common,
      id: called,
      summary: `Calls ${endpoint.name} of ${name}`,
      body: { schema: input, isRequired: schema?.safeParse({}).success === false },
    })
    return [`/api/integrations/${id}`, { post }]
  })
}

/** A part of a name whose parts are joined by dots. */
function nameOf(segment: string): string {
  return segment.replaceAll('.', '_2e_')
}
