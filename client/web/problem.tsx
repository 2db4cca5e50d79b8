import { DeputyError } from 'deputyjs/react'

/** Says what went wrong, as the server does. What is told of single fields stands beside them. */
export function Problem({ error }: { readonly error: Error | null | undefined }) {
  return (
    <div role="alert">
      {error && (
        <p className="problem">
          {error.message}
          {error instanceof DeputyError && error.code === undefined && ' Is there a connection?'}
        </p>
      )}
    </div>
  )
}
