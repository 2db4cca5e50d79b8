import { z } from 'zod'
import { ADMIN_ROLE } from '../auth/role.ts'
import type { LiveHub } from '../live/live-hub.ts'
import { createQueueFigures, type Figures } from '../metrics/queue-figures.ts'
import { readStatus } from '../metrics/status.ts'
import { defineQuery } from '../trpc/callable.ts'
import { roleOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly } from '../trpc/run-as-caller.ts'

/** How the server that answers is, and the database, for the owner and admins. */
export function createStatusRouter(hub: Pick<LiveHub, 'counts'>) {
  let readFigures: (() => Promise<Figures | undefined>) | undefined
  return t.router({
    get: defineQuery({
      callers: users,
      gate: roleOnly(ADMIN_ROLE, 'Only the owner and admins may read how the server is.'),
      schema: z.strictObject({}).optional(),
      trail: 'none',
      run: (call) =>
        readDirectly(call, 'status.get', (reads) => {
          readFigures ??= createQueueFigures(call.engine)
          return readStatus({ engine: call.engine, reads, hub, readFigures })
        }),
    }),
  })
}
