import type { DryRunReport } from './dry-run-report.ts'

/** What the time of a call went to, in the order in which it began. */
export function Timeline({ phases }: { readonly phases: NonNullable<DryRunReport['timeline']> }) {
  return (
    <>
      <h3>Time</h3>
      <table className="time">
        <thead>
          <tr>
            <th scope="col">Part</th>
            <th scope="col" className="number">
              At
            </th>
            <th scope="col" className="number">
              Took
            </th>
          </tr>
        </thead>
        <tbody>
          {phases.map(({ what, name, at, ms }) => (
            <tr key={`${at} ${what} ${name}`}>
              <th scope="row">
                {what} {name !== undefined && <code>{name}</code>}
              </th>
              <td className="number">{at} ms</td>
              <td className="number">{ms} ms</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
