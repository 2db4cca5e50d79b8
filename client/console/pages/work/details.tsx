interface DetailsProps {
  readonly id: string
  readonly title: string
  readonly value: unknown
}

/** What a piece of work was given, folded away, and its id. */
export function Details({ id, title, value }: DetailsProps) {
  return (
    <details>
      <summary>{title}</summary>
      <pre className="code">{JSON.stringify(value, null, 2)}</pre>
      <p className="small">
        <code>{id}</code>
      </p>
    </details>
  )
}
