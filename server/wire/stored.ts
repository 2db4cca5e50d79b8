import { SuperJSON, type SuperJSONResult } from 'superjson'
import { serialize } from './serialize.ts'

const superjson = new SuperJSON()

/** Writes an answer as text that gives back the same answer, dates and bigints included. */
export function toStored(value: unknown): string {
  return JSON.stringify(serialize(value))
}

/** Reads what `toStored` wrote; nothing else may come here. */
export function fromStored(text: string): unknown {
  const wire: SuperJSONResult = JSON.parse(text)
  return superjson.deserialize(wire)
}
