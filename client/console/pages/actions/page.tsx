import { addressOf } from '../../shell/route.ts'
import { WithoutDocument } from '../../shell/without-document.tsx'
import { ActionList } from './action-list.tsx'
import { ActionView } from './action-view.tsx'
import { useActions } from './load-actions.ts'

/** The actions of the app, or one of them: `#/actions/createEvent`. */
export function ActionsPage({ path: [name] }: { readonly path: readonly string[] }) {
  const { data, error } = useActions()
  if (error && !data) return <WithoutDocument title="Actions" error={error} />
  if (!data) return <p className="waiting">Reading what actions there are…</p>
  if (name === undefined) return <ActionList list={data} />
  const action = data.actions.find((each) => each.name === name)
  if (action) return <ActionView key={name} action={action} schemas={data.schemas} />
  return (
    <>
      <h1>There is no action {name}</h1>
      <p>
        <a href={addressOf('actions')}>All actions</a>
      </p>
    </>
  )
}
