import type { ComponentType } from 'react'
import { Lists } from '../../shell/lists.tsx'
import { useViewer } from '../../shell/viewer.ts'
import { Jobs } from './jobs.tsx'
import { Outbox } from './outbox.tsx'
import { Schedules } from './schedules.tsx'

const LISTS: Readonly<
  Record<string, { readonly title: string; readonly List: ComponentType<{ readonly state: string }> }>
> = {
  schedules: { title: 'Schedules', List: Schedules },
  jobs: { title: 'Jobs', List: Jobs },
  outbox: { title: 'Outbox', List: Outbox },
}

/** What the app does without a caller: `#/work/schedules`, `#/work/jobs/failed`, `#/work/outbox`. */
export function WorkPage({ path: [name = 'schedules', state = ''] }: { readonly path: readonly string[] }) {
  const { isOwner } = useViewer()
  const shown = LISTS[name]
  return (
    <>
      <h1>Work</h1>
      <Lists page="work" label="Kinds of work" lists={LISTS} shown={name} />
      {!isOwner && <p>Work is for the app’s owner alone: sign in with a token of theirs.</p>}
      {isOwner && shown && <shown.List state={state} />}
      {isOwner && !shown && <p>There is no such list: choose one above.</p>}
    </>
  )
}
