import { useMutation } from '@tanstack/react-query'
import { priceOf, useSession } from './deputy.ts'
import { Problem } from './problem.tsx'

interface PricedProps {
  readonly title: string
  readonly action: string
  readonly input: object
  /** Does it. @returns what came of it, in words */
  run(): Promise<string>
}

/** Something that costs credits: its price is asked first, and it is done once the user agrees. */
export function Priced({ title, action, input, run }: PricedProps) {
  const session = useSession()
  const price = useMutation({ mutationFn: () => priceOf(session, action, input) })
  const done = useMutation({
    mutationFn: run,
    onSuccess: () => price.reset(),
  })
  return (
    <div className="priced">
      {price.data === undefined ? (
        <button type="button" disabled={price.isPending} onClick={() => price.mutate()}>
          {title}
        </button>
      ) : (
        <fieldset className="row">
          <span>{price.data}</span>
          <button type="button" disabled={done.isPending} onClick={() => done.mutate()}>
            {title}
          </button>
          <button type="button" className="quiet" onClick={() => price.reset()}>
            Leave it
          </button>
        </fieldset>
      )}
      <p role="status">{done.data}</p>
      <Problem error={price.error ?? done.error} />
    </div>
  )
}
