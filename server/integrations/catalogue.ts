import { z } from 'zod'
import type { JsonValue } from '../core/result.ts'
import type { IntegrationDeclarations } from './declare.ts'
import type { CatalogueEntry } from './integrations.ts'

/** What clients may call themselves: nothing of addresses, variables or secrets is in it. */
export function catalogueOf(declarations: IntegrationDeclarations): readonly CatalogueEntry[] {
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
