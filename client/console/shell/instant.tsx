const SHOWN = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** Shows an instant in the time zone of whoever looks, and in UTC on hover; a dash for none. */
export function Instant({ at }: { readonly at: Date | null }) {
  if (at === null) return <>–</>
  const utc = at.toISOString()
  return (
    <time dateTime={utc} title={utc}>
      {SHOWN.format(at)}
    </time>
  )
}
