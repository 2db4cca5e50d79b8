// Checked by the compiler alone: every line marked with @ts-expect-error must be an error, every other must not.
import { type QueryClient, skipToken, useQueries, useSuspenseQuery } from '@tanstack/react-query'
import { createDeputy, type DeputyError, fieldErrors } from '../../client/react/index.ts'
import type { ActionResult } from '../../server/core/result.ts'
import type { FixtureRouter } from '../fixture/app.ts'

const deputy = createDeputy<FixtureRouter>()
const EVENT = { title: 't', startsAt: new Date(0), capacity: 5 }

export function useActions() {
  const create = deputy.actions.createEvent.useMutation({
    onSuccess: ({ recordId }, { title }) => `${recordId satisfies string} ${title satisfies string}`,
    onError: ({ code, issues }) => [code, issues.length],
  })
  create.mutate(EVENT)
  create.data?.recordId satisfies string | undefined
  create.error satisfies DeputyError | null
  create.error?.code satisfies string | undefined
  fieldErrors(create.error).title satisfies string | undefined
  // @ts-expect-error: typed hooks send a Date, not its text.
  create.mutate({ ...EVENT, startsAt: '2030-01-01T00:00:00Z' })
  // @ts-expect-error: an input takes no other key.
  create.mutate({ ...EVENT, createdBy: 'eve' })
  // @ts-expect-error: an input is required.
  create.mutate()
  // @ts-expect-error: there is no action of this name.
  deputy.actions.deleteEverything.useMutation()
  // @ts-expect-error: a mutation is no query.
  deputy.actions.createEvent.useQuery(EVENT)
  // @ts-expect-error: a query is no mutation.
  deputy.actions.listAttendees.useMutation()
  // @ts-expect-error: the key and the function are the deputy's.
  deputy.actions.createEvent.useMutation({ mutationKey: ['x'] })

  const { data, error } = deputy.actions.listAttendees.useQuery({ eventId: 'x' }, { staleTime: 5 })
  error satisfies DeputyError | null
  data?.nextCursor satisfies string | null | undefined
  data?.records[0]?.data.status satisfies 'invited' | 'accepted' | 'declined' | undefined
  // @ts-expect-error: attendees have no title.
  data?.records[0]?.data.title
  deputy.actions.listAttendees.useQuery(skipToken)
  // @ts-expect-error: an input is required.
  deputy.actions.listAttendees.useQuery()
  const count = deputy.actions.listAttendees.useQuery(
    { eventId: 'x' },
    { select: ({ records }) => records.length },
  )
  count.data satisfies number | undefined
  const suspended = deputy.actions.listAttendees.useSuspenseQuery({ eventId: 'x' })
  suspended.data.records.length satisfies number
  deputy.users.me.useQuery().data?.userId satisfies string | undefined
}

export function useResults() {
  const { data } = deputy.actions.listAttendees.asResult.useQuery({ eventId: 'x' })
  if (data && !data.success) data.code satisfies string
  if (data?.success) data.data.records.length satisfies number
  const invite = deputy.actions.inviteAttendee.asResult.useMutation()
  invite.data satisfies ActionResult<{ readonly recordId: string }> | undefined
  // @ts-expect-error: a result is looked at before its data is used.
  invite.data?.data.recordId
}

export function useRecords() {
  const { events } = deputy.records
  const list = events.useList({ where: { title: 't', capacity: { gt: 5 } }, orderBy: 'startsAt' })
  list.data?.records[0]?.data.startsAt satisfies Date | undefined
  events.useList()
  // @ts-expect-error: events have no such field.
  events.useList({ where: { titel: 't' } })
  // @ts-expect-error: events have no such field.
  events.useList({ orderBy: 'titel' })
  const titles = events.useList({}, { select: ({ records }) => records.map(({ data }) => data.title) })
  titles.data satisfies readonly (string | undefined)[] | undefined
  const pages = events.useInfiniteList({ limit: 5 })
  pages.data?.pages[0]?.records[0]?.recordId satisfies string | undefined
  const one = events.useRecord(undefined)
  one.data?.data.capacity satisfies number | undefined
  one.data?.version satisfies number | undefined
  const shown = deputy.actions.listAttendees.useLive(
    { eventId: 'x' },
    { select: ({ records }) => records.length },
  )
  shown.data satisfies number | undefined
  deputy.actions.listAttendees.asResult.useLive({ eventId: 'x' }).data?.success satisfies boolean | undefined
  // @ts-expect-error: an action that may write is not shown live.
  deputy.actions.createEvent.useLive

  const live = events.useLive({ where: { title: 't' }, limit: 5 })
  live.data?.hasMore satisfies boolean | undefined
  live.data?.records[0]?.data.startsAt satisfies Date | undefined
  // @ts-expect-error: a live page is the newest one.
  events.useLive({ cursor: 'x' })
  const liveRecord = events.useLiveRecord('x', { select: (record) => record?.data.title })
  liveRecord.data satisfies string | undefined
  // @ts-expect-error: there is no such collection.
  deputy.records.parties.useList()

  const { create, update, remove } = deputy.useRecords('events')
  create.mutate({ data: EVENT })
  update.mutate({ recordId: 'x', patch: { title: 't' }, ifVersion: 5 })
  remove.mutate({ recordId: 'x' })
  create.error?.issues satisfies readonly object[] | undefined
  // @ts-expect-error: events have no such field.
  update.mutate({ recordId: 'x', patch: { titel: 't' } })
  // @ts-expect-error: only actions write it.
  update.mutate({ recordId: 'x', patch: { attendeeCount: 5 } })
  // @ts-expect-error: there is no such collection.
  deputy.useRecords('parties')
}

export async function usedElsewhere(queryClient: QueryClient) {
  const options = deputy.records.events.list.queryOptions({ where: { title: 't' } })
  const page = await queryClient.fetchQuery(options)
  page.records[0]?.data.title satisfies string | undefined
  await queryClient.prefetchQuery(options)
  await queryClient.ensureQueryData(options)
  queryClient.getQueryData(options.queryKey)?.count satisfies number | undefined
  queryClient.setQueryData(options.queryKey, (before) => before && { ...before, count: 0 })
  await queryClient.prefetchInfiniteQuery({
    ...deputy.records.events.list.infiniteQueryOptions({ limit: 5 }),
    initialPageParam: null,
  })
  await queryClient.invalidateQueries({ queryKey: deputy.records.events.queryKey() })
}

export function useOptions() {
  const options = deputy.actions.listAttendees.queryOptions({ eventId: 'x' })
  useSuspenseQuery(options).data.records.length satisfies number
  const [first] = useQueries({ queries: [options] })
  first.data?.records.length satisfies number | undefined
}

export function connections(queryClient: QueryClient) {
  const { client } = deputy.connect({ url: 'http://127.0.0.1:3000', queryClient, token: async () => 'x' })
  void client.actions.createEvent.mutate(EVENT)
  // @ts-expect-error: a server is needed.
  deputy.connect({ queryClient })
}
