import { credits, deputy } from './deputy.ts'

/** What the caller's account has. */
export function Credits() {
  const { data } = deputy.credits.balance.useQuery()
  return <span className="credits">{data && (data.unmetered ? 'Unmetered' : credits(data.available))}</span>
}
