// Shows changes that are on their way, over what the server has answered last. Pure: the answer itself stays as it is.
import type { Page, RecordEnvelope } from '../../server/core/record.ts'

export type ChangeVerb = 'create' | 'update' | 'remove'

/** A change of a collection that is on its way. */
export interface Change {
  /** The same for the same change. */
  readonly id: string
  readonly verb: ChangeVerb
  /** What the mutation was given. */
  readonly input: ChangeInput
  /** Who makes it; undefined where that is not known. */
  readonly by: string | undefined
  readonly at: Date
}

interface ChangeInput {
  readonly recordId?: string | undefined
  readonly data?: object
  readonly patch?: object
}

/** What a list was asked for. */
export interface ListInput {
  readonly where?: object | undefined
  readonly orderBy?: string | undefined
  readonly orderDir?: string | undefined
  readonly cursor?: string | null | undefined
}

type AnyRecord = RecordEnvelope<object>
type AnyPage = Page<AnyRecord>

/** The version of a record that the server has not made yet. */
const NOT_MADE = 0

/** Shows changes in a page of a list. A new record comes into a first page, where it is known to belong there. */
export function applyToPage(page: AnyPage, changes: readonly Change[], list: ListInput): AnyPage {
  if (changes.length === 0) return page
  const records = changes.reduce((shown, change) => applyToRecords(shown, change, list), page.records)
  return records === page.records ? page : { ...page, records, count: records.length }
}

/** Shows changes in a record. One that is being removed is shown until it is gone. */
export function applyToRecord(record: AnyRecord, changes: readonly Change[]): AnyRecord {
  const written = changes.flatMap((change) =>
    change.input.recordId === record.recordId ? (writtenBy(change) ?? []) : [],
  )
  return written.length === 0 ? record : { ...record, data: Object.assign({}, record.data, ...written) }
}

function applyToRecords(
  records: readonly AnyRecord[],
  change: Change,
  list: ListInput,
): readonly AnyRecord[] {
  const { recordId } = change.input
  const isThere = recordId !== undefined && records.some((record) => record.recordId === recordId)
  if (isThere) {
    return records.flatMap((record) => {
      if (record.recordId !== recordId) return [record]
      const written = change.verb === 'remove' ? undefined : applyToRecord(record, [change])
      return written && matches(written, list.where) !== false ? [written] : []
    })
  }
  return change.verb === 'create' && !list.cursor ? withNew(records, newRecord(change), list) : records
}

function writtenBy({ verb, input }: Change): object | undefined {
  if (verb === 'remove') return undefined
  return verb === 'create' ? input.data : input.patch
}

function newRecord({ id, input, by, at }: Change): AnyRecord {
  const { recordId = `new:${id}`, data = {} } = input
  return { recordId, data, createdBy: by ?? null, createdAt: at, updatedAt: at, version: NOT_MADE }
}

function withNew(
  records: readonly AnyRecord[],
  record: AnyRecord,
  { where, orderBy = 'createdAt', orderDir = 'desc' }: ListInput,
): readonly AnyRecord[] {
  if (matches(record, where) !== true) return records
  const value = fieldOf(record, orderBy)
  const isBefore = (other: AnyRecord) => {
    const order = compare(value, fieldOf(other, orderBy))
    return orderDir === 'asc' ? order < 0 : order >= 0
  }
  const found = records.findIndex(isBefore)
  const at = found < 0 ? records.length : found
  return [...records.slice(0, at), record, ...records.slice(at)]
}

/** Whether a record meets a condition; undefined where only the server can tell. */
function matches(record: AnyRecord, where: object | undefined): boolean | undefined {
  let isKnown = true
  for (const [field, condition] of Object.entries(where ?? {})) {
    if (condition === undefined) continue
    const value = fieldOf(record, field)
    const isPlain = condition === null || typeof condition !== 'object' || condition instanceof Date
    // No record that a client makes is made by no one.
    const isUnknown = value === undefined || (field === 'createdBy' && value === null)
    if (!isPlain || isUnknown) isKnown = false
    else if (compare(value, condition) !== 0) return false
  }
  return isKnown || undefined
}

function fieldOf(record: AnyRecord, field: string): unknown {
  const owner = Object.hasOwn(record.data, field) ? record.data : record
  return Object.hasOwn(owner, field) ? owner[field as keyof typeof owner] : undefined
}

function compare(one: unknown, other: unknown): number {
  const [left, right] = [comparable(one), comparable(other)]
  if (left === right) return 0
  if (left === null || left === undefined) return 1
  if (right === null || right === undefined) return -1
  return left < right ? -1 : 1
}

function comparable(value: unknown): string | number | bigint | boolean | null | undefined {
  if (value instanceof Date) return value.getTime()
  return value === null || typeof value !== 'object' ? (value as string | null) : JSON.stringify(value)
}
