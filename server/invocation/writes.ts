import type { WriteOperation } from '../tools/tool-runtime.ts'
import type { SeenBefore } from './seen-before.ts'

/** A write to one record, or by the app's own SQL. */
export type Write = readonly [operation: string, collection: string, recordId: string]

/** What a call has written and committed. */
export interface CommittedWrites {
  readonly writes: readonly Write[]
  readonly before: SeenBefore
}

const MAX_TURN_KEYS = 32

/** The writes of a run, and the records that it intends to write. */
export class Writes {
  /** `[operation, collection, recordId]` of everything. */
  readonly all: [WriteOperation | 'sql', string, string][] = []
  readonly #actionKey: string
  /** Records that it set out to write, as keys for turns. */
  readonly #keys = new Set<string>()

  /** @param actionKey stands for the whole action, as a key for turns */
  constructor(actionKey: string) {
    this.#actionKey = actionKey
  }

  setOut(key: string): void {
    this.#keys.add(key)
  }

  wrote(operation: WriteOperation | 'sql', collection: string, recordId: string): void {
    this.all.push([operation, collection, recordId])
  }

  /**
   * The keys of the next run's turns after a conflict: the records that this one wrote or intended to write, or the whole
   * action when there are none or too many.
   */
  get turnKeys(): ReadonlySet<string> {
    const keys = new Set(this.#keys)
    for (const [operation, collection, recordId] of this.all) {
      // No other call can use a record that does not exist yet.
      if (operation !== 'create' && operation !== 'sql') keys.add(`${collection}/${recordId}`)
      if (keys.size > MAX_TURN_KEYS) break
    }
    return keys.size >= 1 && keys.size <= MAX_TURN_KEYS ? keys : new Set([this.#actionKey])
  }
}
