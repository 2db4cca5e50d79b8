import { createHash } from 'node:crypto'
import { z } from 'zod'
import { canonicalJson } from '../wire/to-json.ts'
import type { ScheduleTimes } from './schedule-times.ts'

/** What becomes of ticks that no server was there for: one job for all of them, or none. */
export const MISSED = ['once', 'skip'] as const
/** What becomes of a tick while a job of the schedule waits or is at work: no job, or one that waits for it. */
export const OVERLAPS = ['skip', 'queue'] as const

/** A schedule as it was declared, ready to tick. */
export interface Schedule {
  readonly name: string
  readonly times: ScheduleTimes
  /** The name of the action. */
  readonly action: string
  /** As the queue keeps it. */
  readonly input: string
  readonly missed: (typeof MISSED)[number]
  readonly overlap: (typeof OVERLAPS)[number]
  readonly maxAttempts: number
  /** All of that as text: servers that have another text declare something else. */
  readonly definition: string
}

/** What is stored of a schedule that no living version declares. */
export const NOT_DECLARED = ''

/** Puts a schedule together. Its definition has but a hash of the input, which may be long, or hold what is secret. */
export function createSchedule({ name, ...declared }: Omit<Schedule, 'definition'>): Schedule {
  const input = createHash('sha256').update(declared.input).digest('hex')
  return { name, ...declared, definition: canonicalJson({ ...declared, input }) }
}

const definitionSchema = z.object({
  times: z.union([
    z.object({ cron: z.string(), timeZone: z.string().optional() }),
    z.object({
      every: z.union([
        z.object({ seconds: z.number() }),
        z.object({ minutes: z.number() }),
        z.object({ hours: z.number() }),
        z.object({ days: z.number() }),
      ]),
    }),
  ]),
  action: z.string(),
  missed: z.enum(MISSED),
  overlap: z.enum(OVERLAPS),
})

/** Reads what was stored of a schedule, which another version may declare; undefined where it is declared no more. */
export function readDefinition(text: string): z.output<typeof definitionSchema> | undefined {
  return text === NOT_DECLARED ? undefined : definitionSchema.parse(JSON.parse(text))
}
