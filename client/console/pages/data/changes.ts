import type { DataRecord } from './records.ts'

type BaseRecord = Pick<DataRecord, 'recordId' | 'version' | 'data'>
type Values = Readonly<Record<string, unknown>>

/** Changes to a record that are not saved: what was typed, beside the record that it was typed over. */
export interface Changes {
  readonly base: BaseRecord
  readonly values: Values
}

/** A field that was changed here and meanwhile by someone else. */
export interface Conflict {
  readonly field: string
  readonly before: unknown
  readonly mine: unknown
  readonly theirs: unknown
}

/** Begins to change a record, or goes on with other values. */
export function changesOf({ recordId, version, data }: BaseRecord, values: Values): Changes {
  return { base: { recordId, version, data }, values }
}

/** Gives the fields that were changed, with what they were changed to; undefined for a value that was taken out. */
export function patchOf({ base, values }: Changes): Values {
  return Object.fromEntries(
    Object.entries(base.data).flatMap(([field, before]) =>
      isSame(before, values[field]) ? [] : [[field, values[field]]],
    ),
  )
}

/** Puts the changes over the record as it is now. What only one side has changed is kept from that side. */
export function rebased(
  changes: Changes,
  now: BaseRecord,
): { changes: Changes; conflicts: readonly Conflict[] } {
  const patch = patchOf(changes)
  const conflicts = Object.entries(patch).flatMap(([field, mine]): Conflict[] => {
    const [before, theirs] = [changes.base.data[field], now.data[field]]
    return isSame(before, theirs) || isSame(mine, theirs) ? [] : [{ field, before, mine, theirs }]
  })
  return { changes: changesOf(now, { ...now.data, ...patch }), conflicts }
}

function isSame(one: unknown, other: unknown): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
