import { auditQuerySchema } from '../audit/query.ts'
import { budgetUseSchema } from '../ledger/budget-uses.ts'
import { spendingSchema } from '../ledger/spending.ts'
import type { RestRoute } from '../openapi/procedures.ts'
import { outboxListSchema } from '../queue/list.ts'
import { jobListSchema } from '../queue/list-jobs.ts'
import { dataListSchema } from '../routers/data.ts'

/** What is called over REST beside actions, records and integrations, by verified users. */
export const PROCEDURE_ROUTES: readonly RestRoute[] = [
  get('/api/audit', 'audit.list', Object.keys(auditQuerySchema.shape)),
  get('/api/audit/{id}', 'audit.get'),
  post('/api/audit/erase', 'audit.erase'),
  post('/api/audit/prune', 'audit.prune'),
  get('/api/calls', 'calls.totals', ['from', 'to']),
  get('/api/calls/written', 'calls.written', ['from', 'to']),
  get('/api/credits', 'credits.balance', ['account']),
  get('/api/credits/balances', 'credits.balances', ['limit', 'cursor']),
  get('/api/credits/budgets', 'credits.budgets', Object.keys(budgetUseSchema.shape)),
  get('/api/credits/spending', 'credits.spending', Object.keys(spendingSchema.shape)),
  get('/api/credits/statement', 'credits.statement', ['account', 'limit', 'cursor']),
  post('/api/credits/grant', 'credits.grant'),
  get('/api/data', 'data.list', Object.keys(dataListSchema.shape)),
  get('/api/data/record', 'data.get', ['collection', 'recordId']),
  get('/api/jobs', 'jobs.list', Object.keys(jobListSchema.shape)),
  get('/api/jobs/{id}', 'jobs.get'),
  post('/api/jobs/retry', 'jobs.retry'),
  post('/api/jobs/cancel', 'jobs.cancel'),
  get('/api/outbox', 'outbox.list', Object.keys(outboxListSchema.shape)),
  post('/api/outbox/retry', 'outbox.retry'),
  post('/api/outbox/drop', 'outbox.drop'),
  get('/api/schedules', 'schedules.list'),
  post('/api/schedules/pause', 'schedules.pause'),
  post('/api/schedules/resume', 'schedules.resume'),
  post('/api/schedules/run-now', 'schedules.runNow'),
  get('/api/status', 'status.get'),
  get('/api/status/findings', 'status.findings'),
  get('/api/users', 'users.list', 'list'),
  get('/api/users/me', 'users.me'),
  post('/api/users/register', 'users.register'),
  post('/api/users/setBlocked', 'users.setBlocked'),
  post('/api/users/setRole', 'users.setRole'),
]

function get(address: string, procedure: string, parameters: RestRoute['parameters'] = []): RestRoute {
  return { method: 'GET', address, procedure, parameters }
}

function post(address: string, procedure: string): RestRoute {
  return { method: 'POST', address, procedure }
}
