import type { DryRunWrite } from './dry-run-report.ts'

const VERBS = { create: 'create', update: 'update', remove: 'remove' } as const

/** A record as it is and as it would be, field by field. */
export function Diff({ write }: { readonly write: DryRunWrite }) {
  const { operation, collection, recordId, before, after } = write
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return (
    <figure className={`diff ${operation}`}>
      <figcaption>
        <span className="badge">{VERBS[operation]}</span> <code>{`${collection}/${recordId}`}</code>
      </figcaption>
      <table>
        <thead>
          <tr>
            <th scope="col">Field</th>
            {before && <th scope="col">Before</th>}
            {after && <th scope="col">After</th>}
          </tr>
        </thead>
        <tbody>
          {fields.map((field) => (
            <tr key={field}>
              <th scope="row">{field}</th>
              {before && (
                <td>
                  <del>{textOf(before[field])}</del>
                </td>
              )}
              {after && (
                <td>
                  <ins>{textOf(after[field])}</ins>
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </figure>
  )
}

function textOf(value: unknown): string {
  if (value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}
