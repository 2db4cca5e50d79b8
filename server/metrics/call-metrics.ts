import { Counter, Histogram, type Registry } from 'prom-client'
import { HTTP_STATUS } from '../core/errors.ts'
import { KnownNames } from '../core/known-names.ts'
import type { Observer } from '../core/observer.ts'

/** In seconds: from a read in memory to the longest that a call may last. */
const DURATIONS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 120]
const TRANSPORTS = ['trpc', 'rest', 'mcp', 'caller', 'internal']
const SOURCES = ['client', 'schedule', 'later', 'route', 'command']
/** Reads by the app's own routes, which name themselves. */
const ROUTE = 'route'
/** What answers a request, by the address that it has. */
const KINDS = [
  'actions',
  'audit',
  'calls',
  'console',
  'credits',
  'data',
  'docs',
  'integrations',
  'jobs',
  'mcp',
  'outbox',
  'probe',
  'records',
  'route',
  'schedules',
  'status',
  'trpc',
  'users',
]

/** Counts calls and requests. `know` says which actions there are. */
export function createCallMetrics(registers: Registry[]) {
  const actions = new KnownNames([ROUTE])
  const codes = new KnownNames(['OK', ...Object.keys(HTTP_STATUS)])
  const [transports, sources, kinds] = [TRANSPORTS, SOURCES, KINDS].map((names) => new KnownNames(names))
  const counter = <T extends string>(name: string, help: string, labelNames: readonly T[]) =>
    new Counter({ name: `deputy_${name}`, help, labelNames, registers })
  const ended = counter('calls_total', 'Calls that have ended', ['action', 'code', 'transport', 'source'])
  const durations = new Histogram({
    name: 'deputy_call_duration_seconds',
    help: 'How long calls took, with all their attempts and waits',
    labelNames: ['action'],
    buckets: DURATIONS,
    registers,
  })
  const attempts = counter('call_attempts_total', 'Runs of handlers', ['action'])
  const conflicts = counter('call_conflicts_total', 'Runs that ended in a conflict of transactions', [
    'action',
  ])
  const suspensions = counter('call_suspensions_total', 'Runs that were suspended for an outbound call', [
    'action',
  ])
  const replays = counter(
    'call_replays_total',
    'Calls that were answered as before, by their idempotency key',
    ['action'],
  )
  const requests = counter('http_requests_total', 'Requests that were answered, by what answered them', [
    'kind',
    'status',
  ])
  const refused = counter('tokens_refused_total', 'Tokens that were refused', ['reason'])
  const limited = counter('limit_refusals_total', 'Calls that were refused by a limit', ['limit'])
  const sampled = counter('audit_rows_sampled_total', 'Audit rows that stand in a summary', [])
  // What is not there yet is hard to alert on.
  sampled.inc(0)

  const observer: Pick<
    Observer,
    'callEnded' | 'requestAnswered' | 'tokenRefused' | 'limitRefused' | 'auditRowsSampled'
  > = {
    callEnded(call) {
      const action = actions.of(call.action.startsWith(`${ROUTE}.`) ? ROUTE : call.action)
      const [transport, source] = [transports?.of(call.transport), sources?.of(call.source)]
      ended.inc({ action, code: codes.of(call.code), transport, source } as Record<string, string>)
      durations.observe({ action }, call.durationMs / 1_000)
      if (call.attempts > 0) attempts.inc({ action }, call.attempts)
      if (call.conflicts > 0) conflicts.inc({ action }, call.conflicts)
      if (call.suspensions > 0) suspensions.inc({ action }, call.suspensions)
      if (call.isReplay) replays.inc({ action })
    },
    requestAnswered(kind, status) {
      requests.inc({ kind: kinds?.of(kind) ?? '', status: String(status) })
    },
    tokenRefused: (reason) => refused.inc({ reason }),
    limitRefused: (limit) => limited.inc({ limit }),
    auditRowsSampled: (count) => sampled.inc(count),
  }
  return { observer, know: (names: Iterable<string>) => actions.add(names) }
}
