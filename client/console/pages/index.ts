import type { ComponentType } from 'react'
import { ActionsPage } from './actions/page.tsx'
import { CallsPage } from './calls/page.tsx'
import { DataPage } from './data/page.tsx'
import { HealthPage } from './health/page.tsx'
import { MoneyPage } from './money/page.tsx'
import { WorkPage } from './work/page.tsx'

/** A page of the console: a folder beside this file. */
export interface ConsolePage {
  /** The first part of its address. */
  readonly path: string
  readonly title: string
  readonly Page: ComponentType<{
    /** What of the address follows. */
    readonly path: readonly string[]
  }>
}

/** The pages, in the order of their links; the first one is shown at first. */
export const PAGES: readonly [ConsolePage, ...ConsolePage[]] = [
  { path: 'actions', title: 'Actions', Page: ActionsPage },
  { path: 'data', title: 'Data', Page: DataPage },
  { path: 'calls', title: 'Calls', Page: CallsPage },
  { path: 'work', title: 'Work', Page: WorkPage },
  { path: 'money', title: 'Money', Page: MoneyPage },
  { path: 'health', title: 'Health', Page: HealthPage },
]
