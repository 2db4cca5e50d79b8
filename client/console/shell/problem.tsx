import { CallFailure } from './call.ts'

/** Says what a call has failed with. */
export function Problem({ error }: { readonly error: Error }) {
  const failure = error instanceof CallFailure ? error : undefined
  return (
    <div className="problem" role="alert">
      <p>
        {failure && failure.status > 0 && <span className="badge bad">{failure.status}</span>} {error.message}
      </p>
      {failure?.requestId !== undefined && (
        <p className="small">
          Request <code>{failure.requestId}</code>
        </p>
      )}
    </div>
  )
}
