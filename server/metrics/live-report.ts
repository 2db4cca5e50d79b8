import type { Engine } from '../invocation/engine.ts'
import type { LiveCall } from '../invocation/live-calls.ts'
import type { Figures } from './queue-figures.ts'

/** What a server is doing. It names no user, and holds nothing that a caller has sent. */
export interface LiveReport {
  readonly at: string
  /** Calls of clients by what they do. */
  readonly clients: Engine['callSlots']['counts']
  /** All calls, those of jobs and routes included; the oldest of them stand in `calls`. */
  readonly callCount: number
  readonly calls: readonly LiveCall[]
  readonly pool: {
    readonly max: number
    readonly leased: number
    readonly idle: number
    readonly waiting: number
  }
  readonly turns: { readonly held: number; readonly waiting: number }
  /** By kind and state; null while the database does not answer. */
  readonly queue: Readonly<Record<string, number>> | null
}

/** How many calls are told. */
const MAX_CALLS = 50

/** Makes what tells what a server is doing at the moment. @param readFigures reads the queue, or gives up soon */
export function createLiveReport(
  engine: Pick<Engine, 'callSlots' | 'clock' | 'database' | 'liveCalls' | 'turns'>,
  readFigures: () => Promise<Figures | undefined>,
): () => Promise<LiveReport> {
  return async () => {
    const { callSlots, database, liveCalls, turns } = engine
    const { max, leased, idle, waiting } = database.load
    // Before the database is waited for: what is asked about is this moment.
    const report = {
      at: engine.clock().toISOString(),
      clients: callSlots.counts,
      callCount: liveCalls.count,
      calls: liveCalls.oldest(MAX_CALLS),
      pool: { max, leased, idle, waiting },
      turns: { held: turns.held, waiting: turns.waiting },
    }
    const figures = await readFigures()
    return { ...report, queue: figures ? Object.fromEntries(figures.queue) : null }
  }
}
