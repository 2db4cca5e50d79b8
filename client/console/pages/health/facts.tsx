import { Fragment, type ReactNode } from 'react'

interface FactsProps {
  readonly title: string
  readonly facts: readonly (readonly [name: string, value: string | number])[]
  readonly children?: ReactNode
}

/** A card of names and values. */
export function Facts({ title, facts, children }: FactsProps) {
  return (
    <section className="card" aria-label={title}>
      <h2>{title}</h2>
      <dl className="facts even">
        {facts.map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{typeof value === 'number' ? value.toLocaleString() : value}</dd>
          </Fragment>
        ))}
      </dl>
      {children}
    </section>
  )
}
