import type { RuleActor } from '../../drizzle/engine/access.ts'
import type { AuditEntry } from '../audit/entry.ts'
import { isRecord } from '../core/is-record.ts'
import type { Permission, Policies } from '../records/policy.ts'
import { stringify } from '../wire/to-json.ts'

/** In place of what the rules hide from the one who reads. */
const HIDDEN = '[hidden]'
const WRITES = /^records\.(.+)\.(?:create|update)$/

/**
 * A copy of an audit entry without what the rules hide from its reader: of what others wrote through `records`, the fields
 * that they may not read; all of it where they read some records of the collection only, since whether this one was among
 * them is not known any more. Of what the owner listed as the app, the conditions, which may be of any field. What went
 * through actions has no such rules.
 */
export function withoutHiddenInput(entry: AuditEntry, reader: RuleActor, policies: Policies): AuditEntry {
  const { action, input } = entry
  if (input === null || (entry.actor === reader.userId && entry.actedBy === null)) return entry
  if (action === 'data.list')
    return { ...entry, input: stringify(withoutWhere(parsed(input), reader, policies)) }
  const isRegistration = action === 'users.register'
  const collection = isRegistration ? 'users' : WRITES.exec(action)?.[1]
  const permission = collection === undefined ? undefined : policies.get(collection)?.for(reader)
  if (!permission || permission.seesAll) return entry
  const sent = parsed(input)
  // What was cut is no JSON any more.
  const shown = !isRecord(sent)
    ? HIDDEN
    : isRegistration
      ? fieldsOf(permission, sent)
      : within(permission, sent)
  return { ...entry, input: stringify(shown) }
}

function withoutWhere(sent: unknown, reader: RuleActor, policies: Policies): unknown {
  if (!isRecord(sent)) return HIDDEN
  const permission = policies.get(String(sent.collection))?.for(reader)
  const isShown = sent.where === undefined || !permission || permission.seesAll
  return isShown ? sent : { ...sent, where: HIDDEN }
}

function within(permission: Permission, sent: Readonly<Record<string, unknown>>) {
  const isData = (key: string) => key === 'data' || key === 'patch'
  return Object.fromEntries(
    Object.entries(sent).map(([key, value]) => [key, isData(key) ? fieldsOf(permission, value) : value]),
  )
}

function fieldsOf(permission: Permission, data: unknown): unknown {
  if (!permission.readsAll || !isRecord(data)) return HIDDEN
  const { columns } = permission.view.readable
  return Object.fromEntries(
    Object.entries(data).map(([field, value]) => [field, columns.has(field) ? value : HIDDEN]),
  )
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
