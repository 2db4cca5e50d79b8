import { useMutation, useQueryClient } from '@tanstack/react-query'
import { type Answer, call } from '../../shell/call.ts'
import { deputy } from '../../shell/deputy.ts'

/** A call, as it is made and as it is told. */
export interface Sent {
  readonly action: string
  readonly input: unknown
  /** The user as whom it is made; empty for oneself. */
  readonly actAs: string
  readonly isDry: boolean
  /** The same for each attempt to get one submission through. */
  readonly key: string | undefined
}

/** A call that was answered. */
export interface Done {
  readonly sent: Sent
  readonly answer: Answer<unknown>
}

/** The headers of a call, beside its token. */
export function headersOf({ actAs, isDry, key }: Sent): Readonly<Record<string, string>> {
  return {
    ...(actAs === '' ? {} : { 'Deputy-Act-As': encodeURIComponent(actAs) }),
    ...(isDry ? { 'Deputy-Dry-Run': 'true' } : {}),
    ...(key === undefined ? {} : { 'Idempotency-Key': key }),
  }
}

/** Makes calls of actions, one at a time. */
export function useRun() {
  const queries = useQueryClient()
  return useMutation({
    mutationFn: async (sent: Sent): Promise<Done> => ({
      sent,
      answer: await call<unknown>(`/api/actions/${sent.action}`, {
        method: 'POST',
        headers: headersOf(sent),
        body: sent.input,
      }),
    }),
    onSettled: () =>
      Promise.all(
        [deputy.calls.totals, deputy.calls.written].map((read) =>
          queries.invalidateQueries({ queryKey: read.queryKey() }),
        ),
      ),
  })
}
