import { SuperJSON, type SuperJSONResult } from 'superjson'

const superjson = new SuperJSON()

/** superjson as the server reads it: dates, bigints and undefined. Refuses a cycle instead of cutting it. */
export const transformer = {
  serialize(value: unknown): SuperJSONResult {
    refuseCycles(value, new Set())
    const { json, meta } = superjson.serialize(value)
    return meta?.values === undefined ? { json } : { json, meta: { values: meta.values } }
  },
  deserialize(wire: SuperJSONResult): unknown {
    return superjson.deserialize(wire)
  },
}

function refuseCycles(value: unknown, above: Set<object>): void {
  if (typeof value !== 'object' || value === null || value instanceof Date) return
  if (above.has(value)) throw new TypeError('An input may not refer to itself')
  above.add(value)
  for (const member of Object.values(value)) refuseCycles(member, above)
  above.delete(value)
}
