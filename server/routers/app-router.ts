import type { IntegrationDeclarations } from '../integrations/declare.ts'
import type { Catalog } from '../tools/catalog.ts'
import type { AnyCollections } from '../tools/types.ts'
import { t } from '../trpc/init.ts'
import { createAuditRouter } from './audit.ts'
import { createCreditsRouter } from './credits.ts'
import { createIntegrationsRouter } from './integrations.ts'
import { createOutboxRouter } from './outbox.ts'
import { createRecordsRouter } from './records.ts'
import type { Actions } from './registry.ts'
import { createUsersRouter } from './users.ts'

/**
 * The router of an app: its actions, flat; its collections as the caller; its users; its
 * integrations, what they cost, and what is sent to them later; and its audit log.
 */
export function createAppRouter<
  TActions extends Actions,
  TCollections extends AnyCollections,
  TIntegrations extends IntegrationDeclarations = IntegrationDeclarations,
>(actions: TActions, catalog: Catalog) {
  return t.router({
    actions: t.router(actions),
    audit: createAuditRouter(),
    credits: createCreditsRouter(),
    integrations: createIntegrationsRouter<TIntegrations>(),
    outbox: createOutboxRouter(),
    records: createRecordsRouter<TCollections>(catalog),
    users: createUsersRouter<TCollections>(),
  })
}
