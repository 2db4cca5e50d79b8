import type { WriteOperation } from '../tools/tool-runtime.ts'
import type { Execution } from './execution.ts'

const MAX_TURN_KEYS = 32

/** The writes of a run, and the records that it intends to write. */
export class Writes {
  /** `[operation, collection, recordId]` of everything. */
  readonly all: [WriteOperation | 'sql', string, string][] = []
  readonly #execution: Execution
  /** Records that it set out to write, as keys for turns. */
  readonly #keys = new Set<string>()

  constructor(execution: Execution) {
    this.#execution = execution
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
    return keys.size >= 1 && keys.size <= MAX_TURN_KEYS
      ? keys
      : new Set([this.#execution.invocation.actionKey])
  }
}
