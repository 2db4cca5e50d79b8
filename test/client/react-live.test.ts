import { cleanup, waitFor } from '@testing-library/react'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { doing, openPages } from './react-app.ts'

type Pages = Awaited<ReturnType<typeof openPages>>
let pages: Pages
beforeAll(async () => {
  pages = await openPages()
})
afterAll(() => pages[Symbol.asyncDispose]())
afterEach(cleanup)

const STARTS_AT = new Date('2030-01-01T18:00:00.250Z')
const event = (title: string, capacity: number) => ({
  title,
  capacity,
  startsAt: STARTS_AT,
  visibility: 'public' as const,
})

describe('a live list', () => {
  it('shows what another user writes, once for all components, and is opened again by the next one', async () => {
    const { deputy, render, count } = await pages.page('live-ada')
    const other = await pages.page('live-bob')
    const show = () => deputy.records.events.useLive({ where: { capacity: 31 } })
    const [one, two] = [render(show), render(show)]
    const titles = (view: typeof one) => view.result.current.data?.records.map(({ data }) => data.title)
    await waitFor(() => expect(titles(two)).toEqual([]))
    await other.client.records.events.create.mutate({ data: event('first', 31) })
    await waitFor(() => expect([titles(one), titles(two)]).toEqual([['first'], ['first']]))
    expect(one.result.current.data?.records[0]?.data.startsAt).toEqual(STARTS_AT)
    expect(count('records.events.live')).toBe(1)
    one.unmount()
    await other.client.records.events.create.mutate({ data: event('second', 31) })
    await waitFor(() => expect(titles(two)).toEqual(['second', 'first']))
    two.unmount()
    await other.client.records.events.create.mutate({ data: event('third', 31) })
    const three = render(show)
    await waitFor(() => expect(titles(three)).toEqual(['third', 'second', 'first']))
    expect(count('records.events.live')).toBe(2)
  })

  it('shows a change of the user’s own from the click on, and nothing that was before it', async () => {
    const { deputy, render, client, count } = await pages.page('own-ada')
    const made = await client.records.events.create.mutate({ data: event('before', 32) })
    const recordId = made.success ? made.data.recordId : ''
    const shown: (string | undefined)[] = []
    const list = render(() => {
      const live = deputy.records.events.useLive({ where: { capacity: 32 } })
      shown.push(live.data?.records[0]?.data.title)
      return live
    })
    const records = render(() => deputy.useRecords('events'))
    await waitFor(() => expect(list.result.current.data?.count).toBe(1))
    await doing(() => records.result.current.update.mutateAsync({ recordId, patch: { title: 'after' } }))
    await waitFor(() => expect(list.result.current.data?.records[0]).toMatchObject({ version: 2 }))
    const changes = shown.filter((title, at) => title !== shown[at - 1])
    expect(changes).toEqual(['before', 'after'])
    expect(count('records.events.live')).toBe(1)
  })

  it('that is refused is an error with its code', async () => {
    const { deputy, render } = await pages.page('refused-ada')
    const { result } = render(() => deputy.records.analytics.useLive())
    await waitFor(() => expect(result.current.error?.code).toBe('FORBIDDEN'))
  })
})

it('a live record waits for its id, and is null once it is gone', async () => {
  const { deputy, render, client } = await pages.page('record-ada')
  const made = await client.records.events.create.mutate({ data: event('one', 33) })
  let id: string | undefined
  const view = render(() => deputy.records.events.useLiveRecord(id))
  expect(view.result.current.fetchStatus).toBe('idle')
  id = made.success ? made.data.recordId : ''
  view.rerender()
  await waitFor(() => expect(view.result.current.data?.data.title).toBe('one'))
  await client.records.events.remove.mutate({ recordId: id })
  await waitFor(() => expect(view.result.current.data).toBeNull())
})

describe('an action that only reads', () => {
  it('is shown live: its data, a failure as its error, and what comes after that', async () => {
    const { deputy, render, client, count } = await pages.page('action-ada')
    const eventId = 'shown-to-action-ada'
    const view = render(() => deputy.actions.listAttendees.useLive({ eventId }))
    await waitFor(() => expect(view.result.current.error?.code).toBe('NOT_FOUND'))
    await client.records.events.create.mutate({ data: event('shown', 34), recordId: eventId })
    await waitFor(() => expect(view.result.current.data?.records).toEqual([]))
    expect(view.result.current.error).toBeNull()
    await client.actions.inviteAttendee.mutate({ eventId, attendeeId: 'ben' })
    await waitFor(() =>
      expect(view.result.current.data?.records.map(({ data }) => data.attendeeId)).toEqual(['ben']),
    )
    await client.records.events.remove.mutate({ recordId: eventId })
    await waitFor(() => expect(view.result.current.error?.code).toBe('NOT_FOUND'))
    expect(view.result.current.status).toBe('error')
    await client.records.events.create.mutate({ data: event('again', 34), recordId: eventId })
    await waitFor(() => expect(view.result.current.data?.records).toEqual([]))
    expect(count('actions.listAttendees.live')).toBe(1)
  })

  it('is given as results to those who ask for them, and is not opened again by a mutation', async () => {
    const { deputy, render, client, count } = await pages.page('result-ada')
    const eventId = 'shown-to-result-ada'
    const view = render(() => deputy.actions.listAttendees.asResult.useLive({ eventId }))
    const create = render(() => deputy.actions.createEvent.useMutation())
    await waitFor(() => expect(view.result.current.data).toMatchObject({ success: false, code: 'NOT_FOUND' }))
    await doing(() =>
      create.result.current.mutateAsync({ title: 'another', capacity: 35, startsAt: STARTS_AT }),
    )
    await client.records.events.create.mutate({ data: event('shown', 35), recordId: eventId })
    await waitFor(() =>
      expect(view.result.current.data).toMatchObject({ success: true, data: { records: [] } }),
    )
    expect(count('actions.listAttendees.live')).toBe(1)
  })

  it('is refused as it is when it is called', async () => {
    const { deputy, render } = await pages.page('wrong-ada')
    const { result } = render(() => deputy.actions.listAttendees.useLive({ eventId: '' }))
    await waitFor(() => expect(result.current.error?.issues[0]?.path).toEqual(['eventId']))
  })
})
