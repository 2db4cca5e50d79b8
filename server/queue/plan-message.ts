import { type ActionResult, fail } from '../core/result.ts'
import type { Integrations, OutboundCall } from '../integrations/integrations.ts'
import type { QueuedMessage } from './work.ts'

/** Plans how a message is sent as the app is configured now: where it goes and what it costs is never stored. */
export function planMessage(
  integrations: Pick<Integrations, 'plan'>,
  { endpoint, data, payer }: Pick<QueuedMessage, 'endpoint' | 'data' | 'payer'>,
): ActionResult<OutboundCall> {
  const plan = integrations.plan(endpoint, data)
  if (!plan.success) return plan
  if (plan.data.needsCallerJwt || plan.data.payer !== payer)
    return fail('BAD_REQUEST', `"${endpoint}" is paid in another way now than when it was queued.`)
  return plan
}
