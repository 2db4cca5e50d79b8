import { deputy } from '../../shell/deputy.ts'
import { Instant } from '../../shell/instant.tsx'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { CallDetails } from './call-details.tsx'

/** One call, with all that is known of it. */
export function CallView({ id }: { readonly id: string }) {
  const { data, error } = deputy.audit.get.useQuery({ id })
  const call = data?.entry
  return (
    <>
      <p className="small">
        <a href={addressOf('calls')}>Calls</a>
      </p>
      <h1>{call ? call.action : 'A call'}</h1>
      {error && <Problem error={error} />}
      {!data && !error && <p className="waiting">Reading…</p>}
      {call && (
        <section className="card">
          <p>
            <span className={call.outcome === 'OK' ? 'badge good' : 'badge'}>{call.outcome}</span> by{' '}
            {call.actor ?? 'the server'}
            {call.actedBy !== null && `, as whom ${call.actedBy} called`}, <Instant at={call.at} />, in{' '}
            {call.durationMs} ms
          </p>
          <CallDetails call={call} />
        </section>
      )}
    </>
  )
}
