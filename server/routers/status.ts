import { z } from 'zod'
import { ADMIN_ROLE } from '../auth/role.ts'
import { ok } from '../core/result.ts'
import type { LiveHub } from '../live/live-hub.ts'
import { createExamination, type Examine, type Findings } from '../metrics/examination.ts'
import { createQueueFigures, type Figures } from '../metrics/queue-figures.ts'
import { readStatus } from '../metrics/status.ts'
import { defineQuery } from '../trpc/callable.ts'
import { ownerOnly, roleOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly } from '../trpc/run-as-caller.ts'

/** Tells how the server that answers is, and its surroundings. */
export function createStatusRouter(hub: Pick<LiveHub, 'counts'>, examine: Examine) {
  let readFindings: (() => Promise<Findings>) | undefined
  let readFigures: (() => Promise<Figures | undefined>) | undefined
  return t.router({
    /** What `deputy doctor` says, for the owner: it names hosts, folders and variables. */
    findings: defineQuery({
      callers: users,
      gate: ownerOnly,
      schema: z.strictObject({}).optional(),
      trail: 'none',
      run: async ({ engine: { clock } }) => {
        readFindings ??= createExamination(examine, { clock })
        return ok(await readFindings())
      },
    }),
    /** For the owner and admins. */
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
