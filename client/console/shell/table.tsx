import type { ReactNode } from 'react'

export interface Column<TRow> {
  /** Also told beside each value where the window is narrow. */
  readonly title: string
  /** Shown to those who hear the table alone. */
  readonly isSilent?: boolean
  readonly isNumber?: boolean
  /** Of each value in place of that of a number. */
  readonly classOf?: (row: TRow) => string
  readonly show: (row: TRow) => ReactNode
}

/** The last column of a list that things can be done to: a button for each. */
export const DEEDS = { title: 'What can be done', isSilent: true, classOf: () => 'deeds' } as const

interface TableProps<TRow> {
  readonly caption?: string | undefined
  /** Whether each value has a line of its own where the window is narrow. */
  readonly isLong?: boolean
  readonly rows: readonly TRow[]
  readonly keyOf: (row: TRow) => string
  /** The first one names its row. */
  readonly columns: readonly [Column<TRow>, ...Column<TRow>[]]
  readonly rowClassOf?: (row: TRow) => string
}

/** A list in rows; nothing where there are none. */
export function Table<TRow>({ caption, isLong, rows, keyOf, columns, rowClassOf }: TableProps<TRow>) {
  const [first, ...others] = columns
  if (rows.length === 0) return null
  return (
    <table className={isLong ? 'list long' : 'list'}>
      {caption !== undefined && <caption>{caption}</caption>}
      <thead>
        <tr>
          {columns.map(({ title, isNumber, isSilent }) => (
            <th key={title} scope="col" className={isNumber ? 'number' : undefined}>
              {isSilent ? <span className="hidden">{title}</span> : title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={keyOf(row)} className={rowClassOf?.(row)}>
            <th scope="row">{first.show(row)}</th>
            {others.map(({ title, isNumber, classOf, show, isSilent }) => (
              <td
                key={title}
                data-label={isSilent ? undefined : title}
                className={classOf?.(row) ?? (isNumber ? 'number' : undefined)}
              >
                {show(row)}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  )
}
