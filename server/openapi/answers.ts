import { z } from 'zod'
import type { AuditEntry } from '../audit/entry.ts'
import type { AuditedCall } from '../audit/get.ts'
import type { AuditPage } from '../audit/query.ts'
import type { WrittenInTime } from '../audit/written.ts'
import { HTTP_STATUS } from '../core/errors.ts'
import type { Page, RecordEnvelope } from '../core/record.ts'
import type { JsonValue } from '../core/result.ts'
import type { PublicIntegration } from '../integrations/integrations.ts'
import type { StatementPage } from '../ledger/account-statement.ts'
import type { Balance, BalancesPage } from '../ledger/balance.ts'
import type { BudgetPage } from '../ledger/budget-uses.ts'
import type { SpendingReport } from '../ledger/spending.ts'
import type { Findings } from '../metrics/examination.ts'
import type { ServerStatus } from '../metrics/status.ts'
import type { OutboxPage } from '../queue/list.ts'
import type { JobEntry, JobPage } from '../queue/list-jobs.ts'
import type { ScheduleList } from '../queue/list-schedules.ts'
import type { CallTotals } from '../rollup/totals.ts'

// What the engine's own procedures answer with, as their types have it; the compiler compares the two.

const nextCursor = z.string().nullable()
/** Any JSON: `unknown` would be what need not be there. */
const json = z.unknown().nonoptional() as unknown as z.ZodType<JsonValue>
const writes = z.enum(['create', 'update', 'remove', 'sql'])
const codes = Object.keys(HTTP_STATUS) as (keyof typeof HTTP_STATUS)[]

const auditEntry: z.ZodType<AuditEntry> = z.object({
  id: z.string(),
  at: z.date(),
  requestId: z.string(),
  transport: z.string(),
  source: z.string(),
  actor: z.string().nullable(),
  actedBy: z.string().nullable(),
  action: z.string(),
  outcome: z.enum(['OK', 'dry-run', ...codes]),
  attempts: z.number(),
  durationMs: z.number(),
  inputHash: z.string().nullable(),
  writes: z.array(z.tuple([writes, z.string(), z.string()])),
  writeCount: z.number(),
  payers: z.array(z.string()),
  cost: z.number().nullable(),
  calls: z.number(),
  input: z.string().nullable(),
  ip: z.string().nullable(),
})
const auditPage: z.ZodType<AuditPage> = z.object({ entries: z.array(auditEntry), nextCursor })

const audited: z.ZodType<AuditedCall> = z.object({
  entry: auditEntry,
  steps: z.array(
    z.object({
      endpoint: z.string(),
      outcome: z.enum(['answered', 'nothing', 'unknown']).nullable(),
      status: z.number().nullable(),
      payer: z.enum(['owner', 'caller']).nullable(),
      cost: z.number(),
      durationMs: z.number().nullable(),
      at: z.date(),
    }),
  ),
  once: z
    .array(
      z.object({
        key: z.string(),
        outcome: z.enum(['answered', 'failed']),
        at: z.date(),
        durationMs: z.number(),
        attempt: z.number(),
      }),
    )
    .nullable(),
  log: z
    .object({
      lines: z.array(
        z.object({
          at: z.date(),
          level: z.string(),
          message: z.string(),
          fields: z.string().nullable(),
          attempt: z.number(),
        }),
      ),
      leftOut: z.number(),
    })
    .nullable(),
  job: z.object({ id: z.string(), schedule: z.string().nullable() }).nullable(),
})

const account = { account: z.string(), available: z.number(), reserved: z.number() }
account satisfies Record<keyof Balance, z.ZodType>
const balancesPage: z.ZodType<BalancesPage> = z.object({ balances: z.array(z.object(account)), nextCursor })
const payer = z.enum(['owner', 'caller'])
const statementPage: z.ZodType<StatementPage> = z.object({
  account: z.string(),
  entries: z.array(
    z.object({
      seq: z.number(),
      at: z.date(),
      kind: z.enum(['grant', 'reserve', 'settle', 'refund']),
      availableDelta: z.number(),
      reservedDelta: z.number(),
      cost: z.number(),
      endpoint: z.string().nullable(),
      action: z.string().nullable(),
      payer: payer.nullable(),
      caller: z.string().nullable(),
      transport: z.enum(['direct', 'proxy']).nullable(),
      outcome: z.enum(['answered', 'nothing', 'unknown']).nullable(),
      durationMs: z.number().nullable(),
      invocation: z.string().nullable(),
      grantKey: z.string().nullable(),
      grantedBy: z.string().nullable(),
    }),
  ),
  nextCursor,
})

const budgetPage: z.ZodType<BudgetPage> = z.object({
  day: z.string(),
  budgets: z.array(
    z.object({
      budget: z.enum(['action', 'anonymous', 'app', 'caller']),
      subject: z.string(),
      calls: z.number(),
      credits: z.number(),
      maxCalls: z.number().nullable(),
      maxCredits: z.number().nullable(),
    }),
  ),
  nextCursor,
})
const spent = { cost: z.number(), calls: z.number() }
const spendingReport: z.ZodType<SpendingReport> = z.object({
  from: z.date(),
  to: z.date(),
  spending: z.array(
    z.object({
      name: z.string().nullable(),
      isOthers: z.boolean(),
      ...spent,
      days: z.array(z.object({ day: z.string(), ...spent })),
    }),
  ),
})

const instant = z.date().nullable()
/** Of whatever collection. */
const anyRecord: z.ZodType<RecordEnvelope> = z.object({
  recordId: z.string(),
  data: z.record(z.string(), z.unknown()),
  createdBy: z.string().nullable(),
  createdAt: instant,
  updatedAt: instant,
  version: z.number(),
  unreadable: z.array(z.string()).exactOptional(),
})
const recordPage: z.ZodType<Page<RecordEnvelope>> = z.object({
  records: z.array(anyRecord),
  count: z.number(),
  nextCursor,
})

const job: z.ZodType<JobEntry> = z.object({
  id: z.string(),
  kind: z.enum(['job', 'grant']),
  action: z.string(),
  state: z.enum(['waiting', 'running', 'done', 'failed']),
  input: json,
  as: z.enum(['owner', 'caller', 'nobody']).nullable(),
  caller: z.string().nullable(),
  source: z.enum(['schedule', 'later']).nullable(),
  schedule: z.string().nullable(),
  queuedBy: z.string(),
  invocation: z.string(),
  createdAt: z.date(),
  dueAt: z.date(),
  attempts: z.number(),
  maxAttempts: z.number(),
  lastError: z.string().nullable(),
  progress: json,
  endedAt: z.date().nullable(),
  maxCostPerDay: z.number().nullable(),
})
const jobPage: z.ZodType<JobPage> = z.object({ jobs: z.array(job), nextCursor })

const outboxPage: z.ZodType<OutboxPage> = z.object({
  messages: z.array(
    z.object({
      id: z.string(),
      state: z.enum(['queued', 'dead']),
      endpoint: z.string(),
      data: json,
      payer,
      caller: z.string().nullable(),
      action: z.string(),
      invocation: z.string(),
      createdAt: z.date(),
      attempts: z.number(),
      dueAt: z.date(),
      lastError: z.string().nullable(),
      isUnknown: z.boolean(),
      maxCost: z.number().nullable(),
    }),
  ),
  nextCursor,
})

const scheduleList = z.object({
  schedules: z.array(
    z.object({
      name: z.string(),
      cron: z.string().nullable(),
      timeZone: z.string().nullable(),
      every: z.record(z.string(), z.number()).nullable(),
      action: z.string(),
      missed: z.string(),
      overlap: z.string(),
      isPaused: z.boolean(),
      next: z.date().nullable(),
      last: z.date().nullable(),
      lastOutcome: z.enum(['queued', 'done', 'failed', 'skipped', 'missed']).nullable(),
      lastError: z.string().nullable(),
      lastJob: z.string().nullable(),
      maxCostPerDay: z.number().nullable(),
    }),
  ),
}) satisfies z.ZodType<{
  readonly schedules: readonly { readonly [K in keyof ScheduleList['schedules'][number]]: unknown }[]
}>

const integrations: z.ZodType<{ readonly integrations: readonly PublicIntegration[] }> = z.object({
  integrations: z.array(
    z.object({
      name: z.string(),
      billing: z.enum(['developer', 'user']),
      clients: z.enum(['users', 'anyone']),
      endpoints: z.array(z.object({ name: z.string(), input: json })),
    }),
  ),
})

const callTotals: z.ZodType<CallTotals> = z.object({
  from: z.date(),
  to: z.date(),
  actions: z.array(
    z.object({
      action: z.string(),
      calls: z.number(),
      errors: z.number(),
      p50Ms: z.number().nullable(),
      p95Ms: z.number().nullable(),
      outcomes: z.array(z.object({ outcome: z.enum(['OK', 'dry-run', ...codes]), calls: z.number() })),
    }),
  ),
})
const written: z.ZodType<WrittenInTime> = z.object({
  from: z.date(),
  to: z.date(),
  isComplete: z.boolean(),
  writes: z.array(
    z.object({ action: z.string(), operation: writes, collection: z.string(), records: z.number() }),
  ),
})

const counts = z.record(z.string(), z.number())
const status: z.ZodType<ServerStatus> = z.object({
  at: z.date(),
  version: z.string(),
  node: z.string(),
  uptimeSeconds: z.number(),
  memoryBytes: z.number(),
  hasOwner: z.boolean(),
  database: z.object({
    kind: z.enum(['postgres', 'pglite']),
    version: z.string(),
    bytes: z.number(),
    aheadMs: z.number(),
    migrations: z.object({ engine: z.string().nullable(), app: z.string().nullable() }),
  }),
  pool: z.object({ max: z.number(), leased: z.number(), idle: z.number(), waiting: z.number() }),
  calls: z.object({
    working: z.number(),
    waiting: z.number(),
    waitingForTurns: z.number(),
    suspended: z.number(),
  }),
  live: z.object({ streams: z.number(), queries: z.number() }),
  work: z.object({ counts, oldestSeconds: counts, lateSeconds: counts, reservations: counts }).nullable(),
  lastDay: z.object({ calls: z.number(), retried: z.number(), attempts: z.number() }),
})

const findings: z.ZodType<Findings> = z.object({
  at: z.date(),
  findings: z.array(
    z.object({ level: z.enum(['ok', 'warning', 'problem']), subject: z.string(), text: z.string() }),
  ),
})

const removed = z.object({ entries: z.number(), details: z.number(), isDone: z.boolean() })
const identified = z.object({ id: z.string() })

/** What each procedure of the engine's answers with, but for those that answer with records. */
export const ANSWERS: ReadonlyMap<string, z.ZodType> = new Map<string, z.ZodType>([
  ['audit.list', auditPage],
  ['audit.get', audited],
  ['audit.erase', removed],
  ['audit.prune', removed],
  ['calls.totals', callTotals],
  ['calls.written', written],
  ['credits.balance', z.object({ ...account, unmetered: z.literal(true).optional() })],
  ['credits.balances', balancesPage],
  ['credits.budgets', budgetPage],
  ['credits.spending', spendingReport],
  ['credits.statement', statementPage],
  ['credits.grant', z.object({ ...account, granted: z.number() })],
  ['data.list', recordPage],
  ['data.get', z.object({ record: anyRecord })],
  ['integrations.list', integrations],
  ['jobs.list', jobPage],
  ['jobs.get', z.object({ job })],
  ['jobs.retry', identified],
  ['jobs.cancel', identified],
  ['outbox.list', outboxPage],
  ['outbox.retry', identified],
  ['outbox.drop', identified],
  ['schedules.list', scheduleList],
  ['schedules.pause', z.object({ name: z.string() })],
  ['schedules.resume', z.object({ name: z.string(), next: z.date().nullable() })],
  ['schedules.runNow', z.object({ name: z.string(), jobId: z.string() })],
  ['status.findings', findings],
  ['status.get', status],
  ['users.setBlocked', z.object({ userId: z.string(), blocked: z.boolean() })],
  ['users.setRole', z.object({ userId: z.string(), role: z.string() })],
])
