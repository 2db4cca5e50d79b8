import { z } from 'zod'

const logLineSchema = z.object({
  at: z.coerce.date(),
  /** `info`, `warn`, …; a number for a level of the app's own. */
  level: z.string(),
  message: z.string(),
  /** JSON text of what the line says besides, capped; null where it says no more. */
  fields: z.string().nullable(),
  /** The run of the handler that wrote it: counts from 1. */
  attempt: z.number(),
})

const callLogSchema = z.object({
  /** In their order. Beyond the limits of a call, its first lines and its newest. */
  lines: z.array(logLineSchema),
  /** How many lines between the first and the newest were not kept. */
  leftOut: z.number(),
})

const performedOnceSchema = z.object({
  key: z.string(),
  /** `failed`: it has thrown. */
  outcome: z.enum(['answered', 'failed']),
  at: z.coerce.date(),
  durationMs: z.number(),
  /** The run of the handler that came to it: counts from 1. */
  attempt: z.number(),
})

/** A line that a call wrote to the log. */
export type LogLine = z.output<typeof logLineSchema>
/** What a call wrote to the log, as far as it is kept. */
export type CallLog = z.output<typeof callLogSchema>
/** A `once` step that a call performed. */
export type PerformedOnce = z.output<typeof performedOnceSchema>

const NO_LINES: CallLog = { lines: [], leftOut: 0 }

/** Reads the log of a call as it is kept in `deputy.audit_detail`. @throws {z.ZodError} when the engine has not written it. */
export function readCallLog(text: unknown): CallLog {
  return typeof text === 'string' ? callLogSchema.parse(JSON.parse(text)) : NO_LINES
}

/** Reads the `once` steps of a call as they are kept there. @throws {z.ZodError} when the engine has not written them. */
export function readOnces(text: unknown): readonly PerformedOnce[] {
  return typeof text === 'string' ? z.array(performedOnceSchema).parse(JSON.parse(text)) : []
}
