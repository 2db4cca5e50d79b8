import { addressOf } from '../../shell/route.ts'
import { WithoutDocument } from '../../shell/without-document.tsx'
import { CollectionList } from './collection-list.tsx'
import { useCollections } from './collections.ts'
import { readListQuery } from './list-address.ts'
import { RecordList } from './record-list.tsx'
import { RecordView } from './record-view.tsx'

/**
 * The collections, the records of one, or a record: `#/data`, `#/data/events`,
 * `#/data/events/list/where=…&orderBy=title&as=ada`, `#/data/events/record/ID`.
 */
export function DataPage({ path: [name, kind = 'list', ...rest] }: { readonly path: readonly string[] }) {
  const { data: list, error } = useCollections()
  if (error && !list) return <WithoutDocument title="Data" error={error} />
  if (!list) return <p className="waiting">Reading what collections there are…</p>
  if (name === undefined) return <CollectionList list={list} />
  const collection = list.collections.find((each) => each.name === name)
  const [first = '', second = ''] = rest
  if (collection && kind === 'list')
    return <RecordList key={name} collection={collection} list={list} text={first} />
  if (collection && kind === 'record' && first !== '')
    return (
      <RecordView
        key={`${name} ${first}`}
        collection={collection}
        list={list}
        recordId={first}
        query={readListQuery(second)}
      />
    )
  return (
    <>
      <h1>There is no such {collection ? 'page' : 'collection'}</h1>
      <p>
        <a href={addressOf('data')}>All collections</a>
      </p>
    </>
  )
}
