import { listedEvents, ROWS } from '../seed.ts'
import type { WorkDefinition } from '../work.ts'
import { againstBaseline } from './against-baseline.ts'
import { listRequests, notesRequests } from './requests.ts'

export const listAttendees: WorkDefinition = {
  name: 'list',
  title: 'listAttendees, a page of 50',
  open: (bench) =>
    againstBaseline(bench, { goal: 0.8, requests: () => listRequests(bench.tokens, listedEvents(ROWS)) }),
}

export const listRecords: WorkDefinition = {
  name: 'records',
  title: 'records.list under own, a page of 50',
  open: (bench) => againstBaseline(bench, { goal: 0.8, requests: () => notesRequests(bench.tokens) }),
}
