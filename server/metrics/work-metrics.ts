import { Counter, type Registry } from 'prom-client'
import { KnownNames } from '../core/known-names.ts'
import type { Observer } from '../core/observer.ts'

/** As integrations are declared: whose money it is. */
export const BILLING = { owner: 'developer', caller: 'user' } as const

/** Counts what is spent, and what comes of queued work. `know` says which integrations there are. */
export function addWorkMetrics(registers: Registry[]) {
  const integrations = new KnownNames()
  const attempts = new Counter({
    name: 'deputy_work_attempts_total',
    help: 'Attempts at queued work: jobs, messages, grants',
    labelNames: ['kind', 'outcome'],
    registers,
  })
  const spent = new Counter({
    name: 'deputy_spent_micro_credits_total',
    help: 'What outbound calls of this server have cost, in micro-credits',
    labelNames: ['integration', 'billing'],
    registers,
  })
  const observer: Pick<Observer, 'spent' | 'workEnded'> = {
    spent(endpoint, payer, amount) {
      const [integration = ''] = endpoint.split('/', 1)
      spent.inc({ integration: integrations.of(integration), billing: BILLING[payer] }, amount)
    },
    workEnded: (kind, outcome) => attempts.inc({ kind, outcome }),
  }
  return { observer, know: (names: Iterable<string>) => integrations.add(names) }
}
