import { z } from 'zod'
import { isUserId, USER_ID_RULE } from '../auth/actor.ts'
import { type ActionResult, type Failure, fail, ok } from '../core/result.ts'
import { amountSchema } from '../wire/amount.ts'
import { issuesOf, sentence } from '../wire/issues.ts'
import { findUnacceptableInput } from '../wire/plain-data.ts'
import { toStored } from '../wire/serialize.ts'
import type { ActionReferences } from './action-reference.ts'
import { quote } from './problems.ts'
import type { JobRequest, ToolRuntime } from './tool-runtime.ts'

/** How a job is to be run. */
export interface LaterOptions {
  /** The earliest instant that it is run at. @default now */
  readonly at?: Date | undefined
  /** Milliseconds from now that it waits at least, in place of `at`; at most 10 years. @default 0 */
  readonly delayMs?: number | undefined
  /** Unique for the action while the job waits: 1 to 255 printable characters. @default none */
  readonly key?: string | undefined
  /** What becomes of a job that waits with the same key: it stays, or its time and its input are replaced. @default 'keep' */
  readonly onDuplicate?: 'keep' | 'replace' | undefined
  /** Who it runs as. @default 'caller' where there is one, else no one */
  readonly as?: 'owner' | 'caller' | undefined
  /** How often it is tried at most, from 1 to 100. @default 5 */
  readonly attempts?: number | undefined
}

/** Credits for an account. */
export interface GrantedCredits {
  /** A user's id. */
  readonly account: string
  /** In whole micro-credits. */
  readonly amount: number
}

/** How far a job is. */
export interface JobProgress {
  readonly done?: number | undefined
  readonly total?: number | undefined
  /** At most 500 characters. */
  readonly note?: string | undefined
}

/** What jobs need of the app. */
export interface JobSettings {
  readonly actions: ActionReferences
  readonly ownerUserId: string | undefined
  /** Whether the action may grant credits. */
  readonly mayGrant: boolean
  /** Saves how far the job of this call is; undefined where the call is no job. */
  readonly tellProgress: ((progress: JobProgress) => void) | undefined
}

export const DEFAULT_JOB_ATTEMPTS = 5
const MAX_JOB_ATTEMPTS = 100
const MAX_DELAY_MS = 10 * 366 * 86_400_000
const MAX_JOBS = 1_000
const MAX_GRANTS = 1_000
const MAX_INPUT_CHARACTERS = 262_144
const ATTEMPTS_RULE = `must be a whole number from 1 to ${MAX_JOB_ATTEMPTS}`

/** Checks how often a job may be tried. */
export const attemptsSchema = z.int(ATTEMPTS_RULE).min(1, ATTEMPTS_RULE).max(MAX_JOB_ATTEMPTS, ATTEMPTS_RULE)

const optionsSchema = z
  .strictObject({
    at: z.date().optional(),
    delayMs: z
      .int('must be whole milliseconds')
      .min(0, 'must not be negative')
      .max(MAX_DELAY_MS, 'must be at most ten years')
      .optional(),
    key: z.string().refine(isUserId, `must be ${USER_ID_RULE}`).optional(),
    onDuplicate: z.enum(['keep', 'replace'], 'must be keep or replace').optional(),
    as: z.enum(['owner', 'caller'], 'must be owner or caller').optional(),
    attempts: attemptsSchema.optional(),
  })
  .refine(({ at, delayMs }) => at === undefined || delayMs === undefined, 'takes at or delayMs, not both')
  .refine(
    ({ key, onDuplicate }) => key !== undefined || onDuplicate === undefined,
    'takes onDuplicate with a key alone',
  )

const grantSchema = z.strictObject({
  account: z.string().refine(isUserId, `must be ${USER_ID_RULE}`),
  amount: amountSchema,
})

const COUNT_RULE = 'must be a number that is not negative'
const count = z.number(COUNT_RULE).min(0, COUNT_RULE)
const progressSchema = z.strictObject({
  done: count.optional(),
  total: count.optional(),
  note: z.string().max(500, 'must be at most 500 characters').optional(),
})

/** Queues a job: an action that is run after this one has committed. */
export function later(
  runtime: ToolRuntime,
  settings: JobSettings,
  action: unknown,
  input: unknown,
  options: LaterOptions = {},
): Promise<ActionResult<{ readonly jobId: string }>> {
  return runtime.call({ tool: 'later', writes: true }, async () => {
    const planned = await planJob(settings, runtime.userId, action, input, options)
    if (!planned.success) return planned
    if (runtime.queue.allJobs.length >= MAX_JOBS)
      return fail('PRECONDITION_FAILED', `One invocation may queue at most ${MAX_JOBS} jobs.`)
    return ok({ jobId: await runtime.queue.job(planned.data) })
  })
}

async function planJob(
  { actions, ownerUserId }: JobSettings,
  userId: string | null,
  action: unknown,
  input: unknown,
  options: LaterOptions,
): Promise<ActionResult<JobRequest>> {
  const found = actions.find(action)
  if (!found)
    return fail(
      'BAD_REQUEST',
      'The first argument of later is no action of this app: export it from the registry, and pass it by reference.',
    )
  if (found.kind === 'query')
    return fail('BAD_REQUEST', `"${found.name}" only reads, so there is nothing to do later.`)
  const read = optionsSchema.safeParse(options)
  if (!read.success) return invalid('later', read.error)
  const checked = await storedInputOf(found.name, input, (value) => found.check(value))
  if (!checked.success) return checked
  const { at, delayMs = 0, key, onDuplicate, as, attempts = DEFAULT_JOB_ATTEMPTS } = read.data
  if (as === 'owner' && ownerUserId === undefined)
    return fail('PRECONDITION_FAILED', "Set OWNER_USER_ID: this job runs as the app's owner.")
  if (as === 'caller' && userId === null)
    return fail('PRECONDITION_FAILED', 'This runs as no one, so that a job cannot run as its caller.')
  return ok({
    name: found.name,
    input: checked.data,
    runAs: as ?? (userId === null ? 'nobody' : 'caller'),
    due: at ?? delayMs,
    maxAttempts: attempts,
    key,
    isReplacing: onDuplicate === 'replace',
  })
}

/** Makes the text that keeps an input for an action, once it is checked. */
export async function storedInputOf(
  name: string,
  input: unknown,
  check: (input: unknown) => Promise<Failure['issues'] & object>,
): Promise<ActionResult<string>> {
  const unacceptable = findUnacceptableInput(input)
  const issues = unacceptable ? [unacceptable] : await check(input)
  const [first] = issues
  if (first) return fail('BAD_REQUEST', `The input of "${name}": ${sentence(first)}`, { issues })
  const text = toStored(input)
  return text.length > MAX_INPUT_CHARACTERS
    ? fail('PAYLOAD_TOO_LARGE', `The input of a job has at most ${MAX_INPUT_CHARACTERS} characters as JSON.`)
    : ok(text)
}

/** Cancels a job that waits, in the transaction of the action. */
export function cancel(
  runtime: ToolRuntime,
  jobId: string,
): Promise<ActionResult<{ readonly jobId: string }>> {
  return runtime.call({ tool: 'cancel', writes: true }, async () => {
    if (typeof jobId !== 'string') return fail('BAD_REQUEST', 'jobId must be text')
    switch (await runtime.queue.cancel(jobId)) {
      case 'canceled':
        return ok({ jobId })
      case 'running':
        return jobRunning(jobId)
      case 'missing':
        return noSuchJob(jobId)
    }
  })
}

/** Makes the failure for a job that there is not. */
export function noSuchJob(jobId: string): Failure {
  return fail('NOT_FOUND', `There is no job ${quote(jobId)} that waits; it may be done.`)
}

/** Makes the failure for a job that a server is at work on. */
export function jobRunning(jobId: string): Failure {
  return fail('CONFLICT', `The job ${quote(jobId)} is running; look again shortly.`, {
    details: { retryAfterSeconds: 5 },
  })
}

/** Grants credits: they are booked once, right after the commit. */
export function grantCredits(
  runtime: ToolRuntime,
  { mayGrant }: JobSettings,
  granted: GrantedCredits,
): Promise<ActionResult<{ readonly grantId: string }>> {
  return runtime.call({ tool: 'grantCredits', writes: true }, async () => {
    if (!mayGrant)
      return fail('FORBIDDEN', 'Only an ownerAction or an internalAction grants credits; this is neither.')
    const read = grantSchema.safeParse(granted)
    if (!read.success) return invalid('grantCredits', read.error)
    if (runtime.queue.grants.length >= MAX_GRANTS)
      return fail('PRECONDITION_FAILED', `One invocation may queue at most ${MAX_GRANTS} grants.`)
    return ok({ grantId: runtime.queue.grant(read.data.account, read.data.amount) })
  })
}

/** Notes how far a job is, at once, whatever becomes of the job; elsewhere it does nothing. */
export function progress(
  runtime: ToolRuntime,
  { tellProgress }: JobSettings,
  told: JobProgress,
): Promise<ActionResult<undefined>> {
  return runtime.call({ tool: 'progress' }, async () => {
    const read = progressSchema.safeParse(told)
    if (!read.success) return invalid('progress', read.error)
    tellProgress?.(read.data)
    return ok(undefined)
  })
}

function invalid(tool: string, error: z.ZodError): Failure {
  const issues = issuesOf(error)
  const [first] = issues
  return fail('BAD_REQUEST', `tools.${tool}: ${first ? sentence(first) : 'Invalid arguments'}`, { issues })
}
