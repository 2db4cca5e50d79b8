import { useState } from 'react'
import { Instant } from '../../shell/instant.tsx'
import { Problem } from '../../shell/problem.tsx'
import { Table } from '../../shell/table.tsx'
import { useViewer } from '../../shell/viewer.ts'
import { Authority } from './authority.tsx'
import { type CollectionInfo, type CollectionList, referrersOf } from './collections.ts'
import { EditForm, isEdited } from './edit-form.tsx'
import { History } from './history.tsx'
import { type ListQuery, listAddress, recordAddress } from './list-address.ts'
import { type DataRecord, readsAsApp, useRecord } from './records.ts'
import { SeeAs } from './see-as.tsx'
import { useSeenRecord } from './seen.ts'
import { WholeValue } from './value.tsx'

interface RecordViewProps {
  readonly collection: CollectionInfo
  readonly list: CollectionList
  readonly recordId: string
  readonly query: ListQuery
}

/** A record: its fields, what refers to it, what was done to it, and a form that changes it. */
export function RecordView({ collection, list, recordId, query }: RecordViewProps) {
  const viewer = useViewer()
  const { name } = collection
  const asApp = readsAsApp(viewer, query)
  const place = { collection: name, recordId, asApp }
  const [isEditing, setEditing] = useState(() => isEdited(viewer.userId, name, recordId))
  const { data: record, error } = useRecord(place, isEditing)
  const user = viewer.isOwner ? query.as : ''
  const isEditable = Object.keys(collection.patch.properties ?? {}).length > 0
  return (
    <>
      <p className="small">
        <a href={listAddress(name, query)}>{name}</a>
      </p>
      <h1>{recordId}</h1>
      <Authority
        query={query}
        addressOf={(through) => recordAddress(name, recordId, { ...query, through })}
      />
      {viewer.isOwner && (
        <SeeAs user={query.as} addressOf={(as) => recordAddress(name, recordId, { ...query, as })} />
      )}
      {error && <Problem error={error} />}
      {!record && !error && <p className="waiting">Reading…</p>}
      {record && !isEditing && (
        <>
          <Fields record={record} collection={collection} list={list} user={user} query={query} />
          {isEditable && (
            <div className="buttons">
              <button type="button" onClick={() => setEditing(true)}>
                Edit
              </button>
            </div>
          )}
        </>
      )}
      {record && isEditing && (
        <EditForm
          collection={collection}
          schemas={list.schemas}
          record={record}
          asApp={asApp}
          onEnd={() => setEditing(false)}
        />
      )}
      <Referrers list={list} collection={name} recordId={recordId} query={query} />
      <History collection={name} recordId={recordId} />
    </>
  )
}

interface FieldsProps {
  readonly record: DataRecord
  readonly collection: CollectionInfo
  readonly list: CollectionList
  readonly user: string
  readonly query: ListQuery
}

function Fields({ record, collection, list, user, query }: FieldsProps) {
  const { name, references, instants } = collection
  const seen = useSeenRecord(user, name, record.recordId)
  const isHidden = seen.data === 'hidden'
  const visible = seen.data && seen.data !== 'hidden' ? seen.data.data : undefined
  const hasUsers = list.collections.some((each) => each.name === 'users')
  const targetOf = (field: string, value: unknown) => {
    const target = references.get(field)
    return target !== undefined && typeof value === 'string' ? recordAddress(target, value, query) : undefined
  }
  return (
    <>
      {seen.error && <Problem error={seen.error} />}
      {isHidden && (
        <p className="problem" role="status">
          This record is hidden from {user}.
        </p>
      )}
      <Table
        isLong
        rows={Object.entries(record.data)}
        keyOf={([field]) => field}
        columns={[
          {
            title: 'Field',
            show: ([field]) => (
              <>
                {field}{' '}
                {visible && !Object.hasOwn(visible, field) && (
                  <span className="badge bad">hidden from {user}</span>
                )}
              </>
            ),
          },
          {
            title: 'Value',
            isSilent: true,
            show: ([field, value]) => {
              const target = targetOf(field, value)
              if (record.unreadable?.includes(field))
                return <span className="warn">a value that JSON cannot hold</span>
              if (target !== undefined) return <a href={target}>{String(value)}</a>
              return <WholeValue value={value} isInstant={instants.has(field)} />
            },
          },
        ]}
      />
      <dl className="facts">
        <dt>Created</dt>
        <dd>
          <Instant at={record.createdAt} />
          {record.createdBy !== null && (
            <>
              {' by '}
              {hasUsers ? (
                <a href={recordAddress('users', record.createdBy)}>{record.createdBy}</a>
              ) : (
                record.createdBy
              )}
            </>
          )}
        </dd>
        <dt>Changed</dt>
        <dd>
          <Instant at={record.updatedAt} />, version {record.version}
        </dd>
      </dl>
    </>
  )
}

interface ReferrersProps {
  readonly list: CollectionList
  readonly collection: string
  readonly recordId: string
  readonly query: ListQuery
}

/** Links to the records of other collections that refer to this one. */
function Referrers({ list, collection, recordId, query: { through } }: ReferrersProps) {
  const referrers = referrersOf(list, collection)
  if (referrers.length === 0) return null
  return (
    <section className="card links" aria-label="What refers to it">
      <h2>What refers to it</h2>
      <ul>
        {referrers.map((each) => {
          const where = JSON.stringify({ [each.field]: { eq: recordId } })
          return (
            <li key={`${each.collection} ${each.field}`}>
              <a href={listAddress(each.collection, { where, through })}>
                {each.collection} by {each.field}
              </a>
            </li>
          )
        })}
      </ul>
    </section>
  )
}
