import type { Catalog } from '../tools/catalog.ts'
import type { AnyCollections } from '../tools/types.ts'
import { t } from '../trpc.ts'
import { createAuditRouter } from './audit.ts'
import { createRecordsRouter } from './records.ts'
import type { Actions } from './registry.ts'
import { createUsersRouter } from './users.ts'

/** The router of an app: its actions, flat; its collections as the caller; its users; and its audit log. */
export function createAppRouter<TActions extends Actions, TCollections extends AnyCollections>(
  actions: TActions,
  catalog: Catalog,
) {
  return t.router({
    actions: t.router(actions),
    audit: createAuditRouter(),
    records: createRecordsRouter<TCollections>(catalog),
    users: createUsersRouter<TCollections>(),
  })
}
