import { useViewer } from '../../shell/viewer.ts'
import type { ListQuery } from './list-address.ts'

interface AuthorityProps {
  readonly query: ListQuery
  /** The address that shows the same by another authority. */
  readonly addressOf: (through: ListQuery['through']) => string
}

/** Says by whose authority the records are read, and lets the owner choose. */
export function Authority({ query: { through }, addressOf }: AuthorityProps) {
  const { isOwner, role } = useViewer()
  const byRules = `through records, by the rules of the role ${role}`
  if (!isOwner) return <p className="small">Read {byRules}.</p>
  return (
    <p className="small">
      {through === 'app' ? (
        <>
          Read as the app through tools, past every rule.{' '}
          <a href={addressOf('rules')}>What the rules show an admin</a>
        </>
      ) : (
        <>
          Read {byRules}. <a href={addressOf('app')}>All, as the app</a>
        </>
      )}
    </p>
  )
}
