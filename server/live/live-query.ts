import { createHash } from 'node:crypto'
import type { RuleActor } from '../../drizzle/engine/access.ts'
import type { ActionResult } from '../core/result.ts'
import type { ChangedCollections } from '../invocation/changes.ts'
import type { ReadToolRuntime } from '../tools/tool-runtime.ts'
import { toWireJson } from '../wire/to-json.ts'

/** What a stream shows, again after each change. */
export interface LiveQuery {
  /** Says what is read for a caller as they are now. */
  planFor(actor: RuleActor): LivePlan
  /** Milliseconds between two runs at least. @default what the hub leaves between two rounds */
  readonly everyMs?: number
}

/** What is read for a caller. */
export interface LivePlan {
  /** Callers with the same key are answered the same, by one run: it names the query, and the rule with all its values. */
  readonly key: string
  /** Whether the key may be another one the next time, although the caller's role is the same. */
  readonly isVolatile: boolean
  /** The collections that it depends on; `all` where no one knows which. */
  readonly reads: ChangedCollections
  /** Whose run it is, where it is run beside the others, which do not wait for it. @default it is run with the others */
  readonly holder?: string
  /** Reads it, as a call would: by the very rule that the key names, whatever the rule would be by now. */
  run(reads: ReadToolRuntime): Promise<ActionResult<unknown>>
}

export function isAffected({ reads }: LivePlan, changed: ChangedCollections): boolean {
  if (reads === 'all' || changed === 'all') return true
  for (const collection of changed) if (reads.has(collection)) return true
  return false
}

/** How answers are written for a stream. */
export interface EventFormat {
  /** Writes an answer, given as it is and as JSON. */
  answer(id: string, value: unknown, json: string): string
}

/** What a query answers now, written once for all streams of one format. */
export class LiveAnswer {
  readonly value: unknown
  /** The same for the same answer, and for no other. */
  readonly id: string
  readonly #json: string
  readonly #written = new Map<EventFormat, Buffer>()

  constructor(value: unknown) {
    this.value = value
    this.#json = toWireJson(value)
    this.id = createHash('sha256').update(this.#json).digest('base64url')
  }

  as(format: EventFormat): Buffer {
    let written = this.#written.get(format)
    if (!written) {
      written = Buffer.from(format.answer(this.id, this.value, this.#json))
      this.#written.set(format, written)
    }
    return written
  }
}
