import { z } from 'zod'
import { pauseSchedule, resumeSchedule, runScheduleNow } from '../queue/change-schedule.ts'
import { listSchedules } from '../queue/list-schedules.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
import { ownerOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly, writeDirectly } from '../trpc/run-as-caller.ts'

const scheduleSchema = z.strictObject({ name: z.string('must be text').min(1, 'must not be empty') })

const forOwner = { callers: users, gate: ownerOnly, trail: 'always' } as const

/** What the app does on its own, for the owner alone. Every call leaves an audit row. */
export function createSchedulesRouter() {
  return t.router({
    list: defineQuery({
      ...forOwner,
      schema: z.strictObject({}).optional(),
      run: (call) => readDirectly(call, 'schedules.list', (reads) => listSchedules(reads, call.engine)),
    }),
    pause: defineMutation({
      ...forOwner,
      schema: scheduleSchema,
      run: (call) =>
        writeDirectly(call, 'schedules.pause', () =>
          pauseSchedule(call.engine, { name: call.input.name, changedBy: call.actor.userId }),
        ),
    }),
    resume: defineMutation({
      ...forOwner,
      schema: scheduleSchema,
      run: (call) =>
        writeDirectly(call, 'schedules.resume', () =>
          resumeSchedule(call.engine, { name: call.input.name, changedBy: call.actor.userId }),
        ),
    }),
    /** Queues a job at once. */
    runNow: defineMutation({
      ...forOwner,
      schema: scheduleSchema,
      run: (call) =>
        writeDirectly(call, 'schedules.runNow', () => runScheduleNow(call.engine, call.input.name)),
    }),
  })
}
