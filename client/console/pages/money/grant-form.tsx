import { creditsOf, microOf } from '../../shell/credits.ts'
import { deputy } from '../../shell/deputy.ts'
import { Problem } from '../../shell/problem.tsx'
import { useTyped } from '../../shell/typed.ts'

/** Grants credits. What is pressed again because no answer came has the same key, and is granted once. */
export function GrantForm({ account: given }: { readonly account: string }) {
  const form = useTyped(['grant', given], () => ({ account: given, credits: '' }))
  const { account, credits } = form.value
  const amount = microOf(credits)
  const grant = deputy.credits.grant.useMutation({ onSuccess: () => form.end({ account, credits: '' }) })
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
        <input
          value={account}
          required
          onChange={({ target }) => form.change({ account: target.value, credits })}
        />
      </label>
      <label>
        Credits{' '}
        <input
          value={credits}
          required
          inputMode="decimal"
          aria-describedby="grant-rule"
          onChange={({ target }) => form.change({ account, credits: target.value })}
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
