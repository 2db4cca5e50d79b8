import { z } from 'zod'
import { dropJob, retryJob } from '../queue/change-job.ts'
import { getJob, jobListSchema, listJobs } from '../queue/list-jobs.ts'
import { defineMutation, defineQuery } from '../trpc/callable.ts'
import { ownerOnly, users } from '../trpc/gate.ts'
import { t } from '../trpc/init.ts'
import { readDirectly, writeDirectly } from '../trpc/run-as-caller.ts'

const jobSchema = z.strictObject({ id: z.string('must be text').min(1, 'must not be empty') })

const forOwner = { callers: users, gate: ownerOnly, trail: 'always' } as const

/** The jobs of the app, for the owner alone. Every call leaves an audit row. */
export function createJobsRouter() {
  return t.router({
    list: defineQuery({
      ...forOwner,
      schema: jobListSchema.optional(),
      run: (call) =>
        readDirectly(call, 'jobs.list', (reads) => listJobs(reads, call.engine, call.input ?? {})),
    }),
    get: defineQuery({
      ...forOwner,
      schema: jobSchema,
      run: (call) => readDirectly(call, 'jobs.get', (reads) => getJob(reads, call.engine, call.input.id)),
    }),
    /** Has a job run now, in particular one that was given up. */
    retry: defineMutation({
      ...forOwner,
      schema: jobSchema,
      run: (call) => writeDirectly(call, 'jobs.retry', () => retryJob(call.engine, call.input.id)),
    }),
    /** Cancels a job for good. */
    cancel: defineMutation({
      ...forOwner,
      schema: jobSchema,
      run: (call) => writeDirectly(call, 'jobs.cancel', () => dropJob(call.engine, call.input.id)),
    }),
  })
}
