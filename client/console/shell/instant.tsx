const SHOWN = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' })

/** Shows an instant in the time zone of whoever looks, and in UTC on hover; a dash for none. */
export function Instant({ at }: { readonly at: string | null }) {
  if (at === null) return <>–</>
  return (
    <time dateTime={at} title={at}>
      {SHOWN.format(new Date(at))}
    </time>
  )
}
