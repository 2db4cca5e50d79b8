import type { JsonValue } from '../core/result.ts'
import type { Message } from '../queue/message.ts'
import type { Charge, WriteOperation } from '../tools/scope.ts'
import type { Execution } from './execution.ts'

const MAX_TURN_KEYS = 32

/** What a run has written, what it set out to write, and what it has queued to be sent. */
export class Writes {
  /** `[operation, collection, recordId]` of everything. */
  readonly all: [WriteOperation | 'sql', string, string][] = []
  readonly messages: Message[] = []
  readonly #execution: Execution
  /** Records that it set out to write, as keys for turns. */
  readonly #keys = new Set<string>()
  #queued: Map<string, number> | undefined

  constructor(execution: Execution) {
    this.#execution = execution
  }

  setOut(key: string): void {
    this.#keys.add(key)
  }

  wrote(operation: WriteOperation | 'sql', collection: string, recordId: string): void {
    this.all.push([operation, collection, recordId])
  }

  /** Queues a message. @returns its id, which the same message has in every run. */
  queue(endpoint: string, data: JsonValue, charge: Charge): string {
    const same = `outbox:${endpoint}\n${this.#execution.engine.fingerprint(data)}`
    this.#queued ??= new Map()
    const nth = (this.#queued.get(same) ?? 0) + 1
    this.#queued.set(same, nth)
    const id = this.#execution.ids.effectOf(`${same}\n${nth}`)
    this.messages.push({ id, endpoint, data, charge })
    this.wrote('create', 'outbox', id)
    return id
  }

  /**
   * What the next run takes turns on after a conflict: the records that this one wrote or set out to write. The
   * action as a whole, if there are none, or more than a queue each would be good for.
   */
  get turnKeys(): ReadonlySet<string> {
    const keys = new Set(this.#keys)
    for (const [operation, collection, recordId] of this.all) {
      // Nobody else can come to a record that does not exist yet.
      if (operation !== 'create' && operation !== 'sql') keys.add(`${collection}/${recordId}`)
      if (keys.size > MAX_TURN_KEYS) break
    }
    return keys.size >= 1 && keys.size <= MAX_TURN_KEYS
      ? keys
      : new Set([this.#execution.invocation.actionKey])
  }
}
