import { isRecord } from '../core/is-record.ts'

/**
 * The value of a claim by its name or by its path: `user_metadata.full_name`. A name that holds dots is found as it
 * stands, `https://app.example.com/role` for one, also within a path. Only own properties count.
 */
export function claimAt(claims: unknown, path: string): unknown {
  return find(claims, path.split('.'))
}

function find(value: unknown, names: readonly string[]): unknown {
  if (!isRecord(value)) return undefined
  for (let taken = names.length; taken > 0; taken -= 1) {
    const name = names.slice(0, taken).join('.')
    if (!Object.hasOwn(value, name)) continue
    const found = taken === names.length ? value[name] : find(value[name], names.slice(taken))
    if (found !== undefined) return found
  }
  return undefined
}
