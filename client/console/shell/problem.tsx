import { DeputyError } from '../../core/index.ts'

/** Says what a call has failed with. */
export function Problem({ error }: { readonly error: Error }) {
  const { code, requestId } = error instanceof DeputyError ? error : {}
  return (
    <div className="problem" role="alert">
      <p>
        {code !== undefined && <span className="badge bad">{code}</span>} {error.message}
      </p>
      {requestId !== undefined && (
        <p className="small">
          Request <code>{requestId}</code>
        </p>
      )}
    </div>
  )
}
