import { deputy } from '../../shell/deputy.ts'
import { Instant } from '../../shell/instant.tsx'
import { Problem } from '../../shell/problem.tsx'
import { Table } from '../../shell/table.tsx'
import { useViewer } from '../../shell/viewer.ts'

const REFRESH_MS = 60_000
const BADGES = { ok: 'badge good', warning: 'badge', problem: 'badge bad' } as const
const ORDER = ['problem', 'warning', 'ok'] as const

/** What `deputy doctor` says of the server and its surroundings: hosts and variables, so it is for the owner. */
export function FindingsCard() {
  const { isOwner } = useViewer()
  return (
    <section className="card" aria-label="Surroundings">
      <h2>Surroundings</h2>
      {isOwner ? (
        <Found />
      ) : (
        <p className="small">
          Where the keys of tokens come from, and what else the server needs, is told to the owner alone.
        </p>
      )}
    </section>
  )
}

function Found() {
  const { data, error } = deputy.status.findings.useQuery(undefined, { refetchInterval: REFRESH_MS })
  if (!data)
    return error ? <Problem error={error} /> : <p className="waiting">Looking at the surroundings…</p>
  const worstFirst = data.findings.toSorted((a, b) => ORDER.indexOf(a.level) - ORDER.indexOf(b.level))
  return (
    <>
      <Table
        rows={worstFirst}
        keyOf={({ subject, text }) => `${subject} ${text}`}
        columns={[
          { title: 'What', show: ({ subject }) => subject },
          { title: 'How', show: ({ level }) => <span className={BADGES[level]}>{level}</span> },
          { title: 'Found', show: ({ text }) => text },
        ]}
      />
      <p className="small">
        {worstFirst.length === 0
          ? 'This server was given nothing to look at. '
          : 'As deputy doctor says it. '}
        Looked at <Instant at={data.at} />
      </p>
    </>
  )
}
