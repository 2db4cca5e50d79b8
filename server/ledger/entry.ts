import { getTableColumns } from 'drizzle-orm'
import { z } from 'zod'
import { readColumn } from '../../drizzle/engine/column-types/describe-column.ts'
import { creditEntries } from '../../drizzle/engine/system.ts'

const { hold: _hold, effect: _effect, account: _account, ...COLUMNS } = getTableColumns(creditEntries)

const entrySchema = z.object({
  /** Grows from entry to entry. */
  seq: z.number(),
  at: z.date(),
  kind: z.enum(['grant', 'reserve', 'settle', 'refund']),
  /** What it changed, in whole micro-credits. */
  availableDelta: z.number(),
  reservedDelta: z.number(),
  /** What was spent; of an account without limit as well. */
  cost: z.number(),
  /** Of an outside call, as are the fields that follow: `integration/endpoint`. */
  endpoint: z.string().nullable(),
  action: z.string().nullable(),
  payer: z.enum(['owner', 'caller']).nullable(),
  /** The user who called; null for one without a token. */
  caller: z.string().nullable(),
  transport: z.enum(['direct', 'proxy']).nullable(),
  /** `answered`, `nothing` (it surely did nothing) or `unknown`. */
  outcome: z.enum(['answered', 'nothing', 'unknown']).nullable(),
  durationMs: z.number().nullable(),
  invocation: z.string().nullable(),
  /** Of a grant. */
  grantKey: z.string().nullable(),
  /** The user who granted; null for the server itself and its commands. */
  grantedBy: z.string().nullable(),
})

/** One change of an account. */
export type CreditEntry = z.output<typeof entrySchema>

/** What a statement selects from `deputy.credit_entries`, for `readEntry`. */
export const ENTRY_COLUMNS = Object.values(COLUMNS)
  .map((column) => column.name)
  .join(', ')

/** Reads a row of `ENTRY_COLUMNS`. @throws {z.ZodError} when the engine has not written it. */
export function readCreditEntry(row: readonly unknown[]): CreditEntry {
  return entrySchema.parse(
    Object.fromEntries(
      Object.entries(COLUMNS).map(([name, column], index) => [name, readColumn(column, row[index])]),
    ),
  )
}
