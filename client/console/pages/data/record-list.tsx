import { Instant } from '../../shell/instant.tsx'
import { More } from '../../shell/more.tsx'
import { Problem } from '../../shell/problem.tsx'
import { addressOf } from '../../shell/route.ts'
import { type Column, Table } from '../../shell/table.tsx'
import { useViewer } from '../../shell/viewer.ts'
import { Authority } from './authority.tsx'
import type { CollectionInfo, CollectionList } from './collections.ts'
import { FilterForm } from './filter-form.tsx'
import { listAddress, readListQuery, recordAddress } from './list-address.ts'
import { type DataRecord, readsAsApp, useRecords } from './records.ts'
import { SeeAs } from './see-as.tsx'
import { type Seen, useSeenBy } from './seen.ts'
import { ShortValue } from './value.tsx'

interface RecordListProps {
  readonly collection: CollectionInfo
  readonly list: CollectionList
  /** The query in the address. */
  readonly text: string
}

/** So many fields stand in a list; a record shows all. */
const SHOWN_FIELDS = 6

/** The records of a collection, as they were chosen. */
export function RecordList({ collection, list, text }: RecordListProps) {
  const viewer = useViewer()
  const { name, fields } = collection
  const query = readListQuery(text)
  const asApp = readsAsApp(viewer, query)
  const pages = useRecords(name, query, asApp)
  const rows = pages.entries ?? []
  const user = viewer.isOwner ? query.as : ''
  const seenBy = useSeenBy(
    user,
    name,
    rows.map(({ recordId }) => recordId),
  )
  const shown = fields.slice(0, SHOWN_FIELDS)
  const left = fields.length - shown.length
  const seen = (record: DataRecord) => seenBy.seen.get(record.recordId)
  return (
    <>
      <p className="small">
        <a href={addressOf('data')}>Data</a>
      </p>
      <h1>{name}</h1>
      <Authority query={query} addressOf={(through) => listAddress(name, { ...query, through })} />
      <FilterForm key={text} collection={collection} schemas={list.schemas} query={query} />
      {viewer.isOwner && <SeeAs user={query.as} addressOf={(as) => listAddress(name, { ...query, as })} />}
      {seenBy.error && <Problem error={seenBy.error} />}
      <Table
        isLong
        caption={left > 0 ? `${left} more fields in each record` : undefined}
        rows={rows}
        keyOf={({ recordId }) => recordId}
        rowClassOf={(record) => (seen(record) === 'hidden' ? 'unseen' : '')}
        columns={[
          {
            title: 'Record',
            show: (record) => (
              <>
                <a href={recordAddress(name, record.recordId, query)}>{record.recordId}</a>{' '}
                {seen(record) === 'hidden' && <span className="badge bad">hidden from {user}</span>}
              </>
            ),
          },
          ...shown.map((field) => fieldColumn(collection, field, seen)),
          { title: 'Created', show: ({ createdAt }) => <Instant at={createdAt} /> },
        ]}
      />
      <More
        pages={pages}
        empty={query.where === '' ? 'It has no records.' : 'No record is like that: change the conditions.'}
      />
    </>
  )
}

function fieldColumn(
  { instants }: CollectionInfo,
  field: string,
  seenOf: (record: DataRecord) => Seen | undefined,
): Column<DataRecord> {
  return {
    title: field,
    show: (record) => {
      const seen = seenOf(record)
      const isHidden = seen !== undefined && seen !== 'hidden' && !Object.hasOwn(seen.data, field)
      return (
        <>
          <ShortValue value={record.data[field]} isInstant={instants.has(field)} />
          {isHidden && <span className="badge bad">hidden</span>}
        </>
      )
    },
  }
}
