import { DefinitionError } from '../core/errors.ts'
import { isRecord } from '../core/is-record.ts'
import { createSchedule, MISSED, OVERLAPS, type Schedule } from '../queue/schedule.ts'
import { checkTimes, type ScheduleTimes } from '../queue/schedule-times.ts'
import type { ActionReference, ActionReferences } from '../tools/action-reference.ts'
import { attemptsSchema, DEFAULT_JOB_ATTEMPTS, storedInputOf } from '../tools/later.ts'

/** What a schedule does each time that it ticks. */
export interface ScheduledCall<TInput> {
  /** An action that writes, as its module exports it. It is called as the app's owner. */
  readonly action: ActionReference<TInput>
  readonly input: NoInfer<TInput>
  /** What becomes of ticks that no server was there for: one job for all of them, or none. @default 'once' */
  readonly missed?: Schedule['missed'] | undefined
  /** What becomes of a tick while a job of the schedule is not done: no job, or one that waits for it. @default 'skip' */
  readonly overlap?: Schedule['overlap'] | undefined
  /** How often each job is tried at most, from 1 to 100. @default 5 */
  readonly attempts?: number | undefined
}

/** When a schedule ticks, and what it does then. */
export type ScheduleDeclaration<TInput> = ScheduleTimes & ScheduledCall<TInput>

/** What `defineSchedules` gave. */
export type Schedules = Readonly<Record<string, ScheduleDeclaration<unknown>>>

const NAME = /^[a-z][A-Za-z0-9]{0,63}$/
const FIELDS = ['cron', 'every', 'timeZone', 'action', 'input', 'missed', 'overlap', 'attempts']

/**
 * Declares what the app does on its own:
 *
 * ```ts
 * export const schedules = defineSchedules({
 *   recompute: { cron: '0 3 * * *', timeZone: 'Europe/Paris', action: recomputeAnalytics, input: {} },
 * })
 * ```
 *
 * @throws {DefinitionError} that says what is wrong with one, so that the server does not start with it.
 */
export function defineSchedules<T extends Readonly<Record<string, unknown>>>(
  schedules: {
    readonly [K in keyof T]: ScheduleDeclaration<T[K]>
  },
): Schedules {
  for (const [name, declaration] of Object.entries(schedules)) checkDeclaration(name, declaration)
  return schedules as Schedules // Who looks at an input checks it by the schema of its action.
}

function checkDeclaration(name: string, declaration: unknown): void {
  if (!NAME.test(name))
    throw new DefinitionError(
      `The name of schedule "${name}" must be letters and digits, with a small letter first, at most 64`,
    )
  if (!isRecord(declaration)) throw wrong(name, 'must be an object with cron or every, action and input')
  const unknown = Object.keys(declaration).find((field) => !FIELDS.includes(field))
  if (unknown !== undefined)
    throw wrong(name, `has an unknown field "${unknown}"; fields are ${FIELDS.join(', ')}`)
  checkTimes(name, declaration)
  checkChoice(name, 'missed', declaration.missed, MISSED)
  checkChoice(name, 'overlap', declaration.overlap, OVERLAPS)
  const attempts = attemptsSchema.optional().safeParse(declaration.attempts)
  if (!attempts.success) throw wrong(name, `has attempts that ${attempts.error.issues[0]?.message}`)
}

function checkChoice(name: string, field: string, value: unknown, choices: readonly string[]): void {
  if (value === undefined || choices.some((choice) => choice === value)) return
  throw wrong(name, `has ${field} ${JSON.stringify(value)}; it must be ${choices.join(' or ')}`)
}

/**
 * Finds the actions of schedules, and checks the inputs by their schemas.
 *
 * @throws {DefinitionError} that says which schedule does not fit its action.
 */
export async function resolveSchedules(
  schedules: Schedules,
  actions: ActionReferences,
): Promise<readonly Schedule[]> {
  return Promise.all(Object.entries(schedules).map((entry) => resolve(actions, ...entry)))
}

async function resolve(
  actions: ActionReferences,
  name: string,
  declaration: Schedules[string],
): Promise<Schedule> {
  const { action, input, missed = 'once', overlap = 'skip', attempts = DEFAULT_JOB_ATTEMPTS } = declaration
  const found = actions.find(action)
  if (!found) throw wrong(name, 'has an action that is none of this app: export it from the registry')
  if (found.kind === 'query') throw wrong(name, `has the action "${found.name}", which only reads`)
  const stored = await storedInputOf(found.name, input, (value) => found.check(value))
  if (!stored.success) throw wrong(name, `has an input that does not fit. ${stored.error}`)
  return createSchedule({
    name,
    times: timesOf(declaration),
    action: found.name,
    input: stored.data,
    missed,
    overlap,
    maxAttempts: attempts,
  })
}

function timesOf(declaration: ScheduleTimes): ScheduleTimes {
  if ('cron' in declaration) return { cron: declaration.cron, timeZone: declaration.timeZone ?? 'UTC' }
  return { every: declaration.every }
}

function wrong(name: string, what: string): DefinitionError {
  return new DefinitionError(`Schedule "${name}" ${what}`)
}
