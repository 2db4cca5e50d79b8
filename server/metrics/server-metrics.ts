import { Gauge, Histogram, type Registry } from 'prom-client'
import type { Engine } from '../invocation/engine.ts'

/** In seconds; beyond the last one a call is refused. */
const WAITS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** Adds what a server's own objects tell when they are asked: its pool, its turns, its calls. */
export function addServerMetrics(
  registers: Registry[],
  { database: { load }, turns, callSlots }: Pick<Engine, 'callSlots' | 'database' | 'turns'>,
  streams: () => number,
): void {
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `deputy_${name}`,
      help,
      registers,
      collect() {
        this.set(read())
      },
    })
  new Gauge({
    name: 'deputy_calls_in_flight',
    help: 'Calls of clients that are under way, by what they do',
    labelNames: ['state'],
    registers,
    collect() {
      const { working, waiting, waitingForTurns, suspended } = callSlots.counts
      this.set({ state: 'working' }, working)
      this.set({ state: 'waiting' }, waiting)
      this.set({ state: 'turn' }, waitingForTurns)
      this.set({ state: 'suspended' }, suspended)
    },
  })
  gauge('pool_connections_max', 'The most connections to the database', () => load.max)
  new Gauge({
    name: 'deputy_pool_connections',
    help: 'Connections to the database',
    labelNames: ['state'],
    registers,
    collect() {
      this.set({ state: 'leased' }, load.leased)
      this.set({ state: 'idle' }, load.idle)
    },
  })
  gauge('pool_waiting', 'Who waits for a connection', () => load.waiting)
  gauge('live_streams', 'Streams of live queries that are open', streams)
  gauge('turns_held', 'Keys that calls take turns on, in this server', () => turns.held)
  gauge('turns_waiting', 'Calls that wait for their turn, in this server', () => turns.waiting)
  const waits = new Histogram({
    name: 'deputy_pool_wait_seconds',
    help: 'How long those waited who got a connection',
    buckets: WAITS,
    registers,
  })
  load.onAcquired((waitedMs) => waits.observe(waitedMs / 1_000))
}
