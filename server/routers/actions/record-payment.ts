import { ok } from 'deputyjs'
import { z } from 'zod'
import { internalAction } from '../../deputy.ts'

/** A credit stands for a tenth of a US cent, as in `integrations.ts`. */
const MICRO_CREDITS_PER_CENT = 10_000_000

/** Events of one payment come in any order: what has come further stays so. */
const RANK = { pending: 0, failed: 1, succeeded: 2 } as const

/** Keeps what the payment provider says of a payment, and grants its user the credits once it has succeeded. */
export const recordPayment = internalAction
  .input(
    z.strictObject({
      /** The provider's own id. */
      paymentId: z.string().min(1).max(255),
      userId: z.string().min(1).max(255),
      /** US cents. */
      amountCents: z.int().min(1).max(1_000_000),
      status: z.enum(['pending', 'failed', 'succeeded']),
    }),
  )
  .output(z.object({ granted: z.int().min(0) }))
  .meta({ summary: 'Keeps what the payment provider says of a payment' })
  .mutation(async ({ ctx, input: { paymentId, ...payment } }) => {
    const found = await ctx.tools.get('payments', paymentId)
    if (!found.success && found.code !== 'NOT_FOUND') return found
    const isOld = found.success && RANK[found.data.record.data.status] >= RANK[payment.status]
    if (isOld) return ok({ granted: 0 })
    const saved = await ctx.tools.create('payments', payment, paymentId)
    if (!saved.success) return saved
    if (payment.status !== 'succeeded') return ok({ granted: 0 })
    const amount = payment.amountCents * MICRO_CREDITS_PER_CENT
    const granted = await ctx.tools.grantCredits({ account: payment.userId, amount })
    return granted.success ? ok({ granted: amount }) : granted
  })
