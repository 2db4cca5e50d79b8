import { addressOf } from '../../shell/route.ts'
import { type Column, Table } from '../../shell/table.tsx'
import { useTyped } from '../../shell/typed.ts'
import { useViewer } from '../../shell/viewer.ts'
import { type Action, type ActionList as List, useCalls } from './load-actions.ts'

type Calls = NonNullable<ReturnType<typeof useCalls>['data']>

/** All actions, with who may call them and how they went in the last seven days. */
export function ActionList({ list }: { readonly list: List }) {
  const { value: wanted, change: setWanted } = useTyped(['find an action'], () => '')
  const calls = useCalls()
  const { isOwner } = useViewer()
  const text = wanted.trim().toLowerCase()
  const shown = list.actions.filter(({ name, summary }) =>
    `${name} ${summary ?? ''}`.toLowerCase().includes(text),
  )
  return (
    <>
      <div className="heading">
        <h1>Actions</h1>
        <label>
          <span className="hidden">Find an action</span>
          <input
            type="search"
            placeholder="Find an action"
            value={wanted}
            onChange={({ target }) => setWanted(target.value)}
          />
        </label>
      </div>
      {calls.error && <p className="small">How they went cannot be told: {calls.error.message}</p>}
      {list.actions.length === 0 && <p>The app has no actions yet.</p>}
      {list.actions.length > 0 && shown.length === 0 && <p>No action has “{wanted}” in it.</p>}
      <Table
        caption="The last seven days"
        rows={shown}
        keyOf={({ name }) => name}
        columns={columnsOf(calls.data)}
      />
      {isOwner && (
        <p className="small">
          A new action is a file in server/routers/actions, listed in index.ts there; npm run dev takes it up
          at once.
        </p>
      )}
    </>
  )
}

/** What stands in the list, as far as it is known how the actions went. */
function columnsOf(calls: Calls | undefined): readonly [Column<Action>, ...Column<Action>[]] {
  const totalOf = ({ name }: Action) => calls?.totals.get(name)
  const unknown = calls ? 0 : '…'
  return [
    { title: 'Action', show: nameCell },
    { title: 'Who may call', show: ({ callers }) => callers },
    {
      title: 'Wrote',
      show: ({ name }) =>
        [...(calls?.written.get(name) ?? [])].map(([to, count]) => `${to} ${count}`).join(', ') || '–',
    },
    { title: 'Calls', isNumber: true, show: (action) => totalOf(action)?.calls ?? unknown },
    {
      title: 'Errors',
      isNumber: true,
      classOf: (action) => ((totalOf(action)?.errors ?? 0) > 0 ? 'number warn' : 'number'),
      show: (action) => totalOf(action)?.errors ?? unknown,
    },
    {
      title: 'p95',
      isNumber: true,
      show: (action) => {
        const p95Ms = totalOf(action)?.p95Ms ?? null
        return p95Ms === null ? '–' : `${p95Ms} ms`
      },
    },
  ]
}

function nameCell({ name, summary, kind, isDeprecated }: Action) {
  return (
    <>
      <a href={addressOf('actions', name)}>{name}</a>{' '}
      {kind === 'query' && <span className="badge">reads</span>}
      {isDeprecated && <span className="badge bad">deprecated</span>}
      {summary !== undefined && <small>{summary}</small>}
    </>
  )
}
