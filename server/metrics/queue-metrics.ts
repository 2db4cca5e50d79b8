import { Gauge, type Registry } from 'prom-client'
import type { Engine } from '../invocation/engine.ts'
import type { Figures } from './queue-figures.ts'
import { BILLING } from './work-metrics.ts'

const KINDS = ['job', 'message', 'grant']
const STATES = ['due', 'later', 'running', 'dead']

/** Adds what all servers of the database share: the queue, schedules, reservations. Read when it is asked for. */
export function addQueueMetrics(
  registers: Registry[],
  engine: Pick<Engine, 'schedules'>,
  read: () => Promise<Figures | undefined>,
): void {
  const gauge = <T extends string>(
    name: string,
    help: string,
    labelNames: readonly T[],
    set: (gauge: Gauge<T>, figures: Figures) => void,
  ) =>
    new Gauge<T>({
      name: `deputy_${name}`,
      help,
      labelNames,
      registers,
      async collect() {
        this.reset()
        const figures = await read()
        if (figures) set(this, figures)
      },
    })
  new Gauge({
    name: 'deputy_database_up',
    help: 'Whether the database has answered; without it the figures of queue, schedules and ledger are left out',
    registers,
    async collect() {
      this.set((await read()) ? 1 : 0)
    },
  })
  gauge('queue_work', 'Queued work, up to 10000 of it', ['kind', 'state'], (work, { queue }) => {
    for (const kind of KINDS)
      for (const state of STATES) work.set({ kind, state }, queue.get(`${kind} ${state}`) ?? 0)
  })
  gauge('queue_oldest_due_seconds', 'How long the oldest work is due', ['kind'], (age, { oldest }) => {
    for (const kind of KINDS) age.set({ kind }, oldest.get(kind) ?? 0)
  })
  gauge('schedule_lag_seconds', 'How late a schedule is', ['schedule'], (lag, { late }) => {
    for (const { name } of engine.schedules) {
      const seconds = late.get(name)
      if (seconds !== undefined) lag.set({ schedule: name }, Math.max(0, seconds))
    }
  })
  gauge(
    'ledger_reservations',
    'Reservations that are not settled yet, up to 10000 of them',
    ['billing', 'state'],
    (open, { reservations }) => {
      for (const payer of ['owner', 'caller'] as const)
        for (const state of ['reserved', 'sent'])
          open.set({ billing: BILLING[payer], state }, reservations.get(`${payer} ${state}`) ?? 0)
    },
  )
}
