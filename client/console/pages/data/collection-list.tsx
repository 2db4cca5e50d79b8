import { Table } from '../../shell/table.tsx'
import { type CollectionList as List, referrersOf } from './collections.ts'
import { listAddress } from './list-address.ts'

/** All collections, with their fields and what refers to them. */
export function CollectionList({ list }: { readonly list: List }) {
  return (
    <>
      <h1>Data</h1>
      {list.collections.length === 0 && (
        <p>The app has no collections yet: declare one in drizzle/collections.ts.</p>
      )}
      <Table
        rows={list.collections}
        keyOf={({ name }) => name}
        columns={[
          { title: 'Collection', show: ({ name }) => <a href={listAddress(name)}>{name}</a> },
          { title: 'Fields', show: ({ fields }) => fields.join(', ') },
          {
            title: 'Referred to by',
            show: ({ name }) =>
              referrersOf(list, name)
                .map(({ collection, field }) => `${collection}.${field}`)
                .join(', ') || '–',
          },
        ]}
      />
    </>
  )
}
