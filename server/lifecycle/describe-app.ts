import { NamedActions } from '../builders/named-actions.ts'
import { PROCEDURE_ROUTES } from '../http/procedure-routes.ts'
import { describedIntegrations } from '../integrations/create-integrations.ts'
import { NO_STREAMS } from '../live/live-hub.ts'
import { type ApiDocument, createDocument } from '../openapi/document.ts'
import { createAppRouter } from '../routers/app-router.ts'
import type { Actions } from '../routers/registry.ts'
import { createCatalog } from '../tools/catalog.ts'
import { callablesOf } from '../trpc/callable.ts'
import type { AppParts } from './define-app.ts'

/** Describes an app's REST routes as its server does, without a server. */
export function describeApp({ actions, collections, integrations }: AppParts): ApiDocument {
  const catalog = createCatalog(collections)
  return createDocument({
    actions: new NamedActions(actions).all,
    catalog,
    callables: callablesOf(createAppRouter(actions as Actions, catalog, NO_STREAMS)),
    integrations: describedIntegrations(integrations),
    routes: PROCEDURE_ROUTES,
  })
}
