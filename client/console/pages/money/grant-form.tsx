import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useRef, useState } from 'react'
import { call } from '../../shell/call.ts'
import { creditsOf, microOf } from '../../shell/credits.ts'
import { Problem } from '../../shell/problem.tsx'

interface Granted {
  readonly account: string
  readonly available: number
  readonly granted: number
}

/** Grants credits. A submission has one key however often it has to be sent, and another one once something is changed. */
export function GrantForm({ account: given }: { readonly account: string }) {
  const [account, setAccount] = useState(given)
  const [credits, setCredits] = useState('')
  const key = useRef<string>(undefined)
  const queries = useQueryClient()
  const amount = microOf(credits)
  const grant = useMutation({
    mutationFn: async (body: { readonly account: string; readonly amount: number }) => {
      key.current ??= crypto.randomUUID()
      const headers = { 'Idempotency-Key': key.current }
      return (await call<Granted>('/api/credits/grant', { method: 'POST', headers, body })).data
    },
    onSuccess: () => {
      key.current = undefined
      setCredits('')
      return queries.invalidateQueries({ queryKey: ['read'] })
    },
  })
  const change = (set: (text: string) => void) => (text: string) => {
    key.current = undefined
    set(text)
  }
  return (
    <form
      className="card grant"
      onSubmit={(event) => {
        event.preventDefault()
        if (amount !== undefined && !grant.isPending) grant.mutate({ account, amount })
      }}
    >
      <label>
        Grant to{' '}
        <input value={account} required onChange={({ target }) => change(setAccount)(target.value)} />
      </label>
      <label>
        Credits{' '}
        <input
          value={credits}
          required
          inputMode="decimal"
          aria-describedby="grant-rule"
          onChange={({ target }) => change(setCredits)(target.value)}
        />
      </label>
      <button type="submit" className="primary" disabled={grant.isPending || amount === undefined}>
        {amount === undefined ? 'Grant' : `Grant ${creditsOf(amount)}`}
      </button>
      <p className="small" id="grant-rule">
        A number such as 5 or 0.25, with at most six digits behind the point.
      </p>
      {grant.error && <Problem error={grant.error} />}
      {grant.data && (
        <p role="status">
          {grant.data.account} was granted {creditsOf(grant.data.granted)} and has{' '}
          {creditsOf(grant.data.available)}.
        </p>
      )}
    </form>
  )
}
