import { skipToken } from '@tanstack/react-query'
import { cleanup, waitFor } from '@testing-library/react'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { DeputyError, fieldErrors } from '../../client/react/index.ts'
import { doing, failing, openPages } from './react-app.ts'

type Pages = Awaited<ReturnType<typeof openPages>>
let pages: Pages
beforeAll(async () => {
  pages = await openPages()
})
afterAll(() => pages[Symbol.asyncDispose]())
afterEach(cleanup)

const STARTS_AT = new Date('2030-01-01T18:00:00.250Z')
const event = (title: string) => ({ title, startsAt: STARTS_AT, capacity: 5 })

describe('a list', () => {
  it('is read as the user, with dates, and read again after an action that wrote it', async () => {
    const { deputy, render, count } = await pages.page('list-ada')
    const list = render(() => deputy.records.events.useList({ where: { createdBy: 'list-ada' } }))
    const create = render(() => deputy.actions.createEvent.useMutation())
    await waitFor(() => expect(list.result.current.data?.records).toEqual([]))
    const made = await doing(() => create.result.current.mutateAsync(event('Launch')))
    // It was read before the mutation has settled.
    expect(count('records.events.list')).toBe(2)
    await waitFor(() =>
      expect(list.result.current.data?.records).toMatchObject([
        { recordId: made.recordId, data: { title: 'Launch', startsAt: STARTS_AT } },
      ]),
    )
    expect(count('records.events.list')).toBe(2)
  })

  it('is left alone by a mutation that wrote nothing of its collection', async () => {
    const { deputy, render, count } = await pages.page('alone-ada')
    const list = render(() => deputy.records.attendees.useList())
    const create = render(() => deputy.actions.createEvent.useMutation())
    await waitFor(() => expect(list.result.current.isSuccess).toBe(true))
    await doing(() => create.result.current.mutateAsync(event('Launch')))
    expect(count('records.attendees.list')).toBe(1)
  })

  it('is read page after page', async () => {
    const { deputy, render, client } = await pages.page('pages-ada')
    for (const title of ['a', 'b', 'c']) await client.actions.createEvent.mutate(event(title))
    const list = render(() =>
      deputy.records.events.useInfiniteList({
        where: { createdBy: 'pages-ada' },
        orderBy: 'title',
        orderDir: 'asc',
        limit: 2,
      }),
    )
    const titles = () =>
      list.result.current.data?.pages.map(({ records }) => records.map(({ data }) => data.title))
    await waitFor(() => expect(titles()).toEqual([['a', 'b']]))
    await doing(() => list.result.current.fetchNextPage())
    await waitFor(() => expect(titles()).toEqual([['a', 'b'], ['c']]))
    expect(list.result.current.hasNextPage).toBe(false)
  })
})

describe('a record', () => {
  it('waits for its id, and is read again when it was written; another one is not', async () => {
    const { deputy, render, client, count } = await pages.page('record-ada')
    const [one, two] = await Promise.all([
      client.records.events.create.mutate({ data: event('one') }),
      client.records.events.create.mutate({ data: event('two') }),
    ])
    const ids = [one, two].map((made) => (made.success ? made.data.recordId : ''))
    let id: string | undefined
    const first = render(() => deputy.records.events.useRecord(id))
    const second = render(() => deputy.records.events.useRecord(ids[1]))
    await waitFor(() => expect(second.result.current.data?.data.title).toBe('two'))
    expect([first.result.current.fetchStatus, count('records.events.get')]).toEqual(['idle', 1])
    id = ids[0]
    first.rerender()
    await waitFor(() => expect(first.result.current.data?.data.title).toBe('one'))
    const records = render(() => deputy.useRecords('events'))
    await doing(() =>
      records.result.current.update.mutateAsync({ recordId: ids[0] ?? '', patch: { title: 'uno' } }),
    )
    await waitFor(() => expect(first.result.current.data?.version).toBe(2))
    expect([first.result.current.data?.data.title, count('records.events.get')]).toEqual(['uno', 3])
  })

  it('that is not there is an error with its code, asked for once', async () => {
    const { deputy, render, count } = await pages.page('none-ada')
    const { result } = render(() => deputy.records.events.useRecord('none'))
    await waitFor(() => expect(result.current.isError).toBe(true))
    expect(result.current.error).toBeInstanceOf(DeputyError)
    expect([result.current.error?.code, count('records.events.get')]).toEqual(['NOT_FOUND', 1])
  })
})

describe('an action', () => {
  it('that only reads is read again after any mutation', async () => {
    const { deputy, render, client, count } = await pages.page('reads-ada')
    const made = await client.actions.createEvent.mutate(event('Launch'))
    const eventId = made.success ? made.data.recordId : ''
    const attendees = render(() => deputy.actions.listAttendees.useQuery({ eventId }))
    const invite = render(() => deputy.actions.inviteAttendee.useMutation())
    await waitFor(() => expect(attendees.result.current.data?.records).toEqual([]))
    await doing(() => invite.result.current.mutateAsync({ eventId, attendeeId: 'bob' }))
    await waitFor(() => expect(attendees.result.current.data?.records).toHaveLength(1))
    expect(count('actions.listAttendees')).toBe(2)
  })

  it('gives a failure as an error, with issues for the fields of a form', async () => {
    const { deputy, render } = await pages.page('form-ada')
    const create = render(() => deputy.actions.createEvent.useMutation())
    const input = { ...event(''), capacity: 0 }
    expect(await failing(() => create.result.current.mutateAsync(input))).toBeInstanceOf(DeputyError)
    await waitFor(() => expect(create.result.current.isError).toBe(true))
    const errors = fieldErrors(create.result.current.error)
    expect(Object.keys(errors).sort()).toEqual(['capacity', 'title'])
    expect(fieldErrors(new Error('no form'))).toEqual({})
    const invite = render(() => deputy.actions.inviteAttendee.useMutation())
    expect(
      await failing(() => invite.result.current.mutateAsync({ eventId: 'none', attendeeId: 'bob' })),
    ).toMatchObject({ code: 'NOT_FOUND', requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) })
  })

  it('gives a failure as data to who asks for that', async () => {
    const { deputy, render } = await pages.page('data-ada')
    const invite = render(() => deputy.actions.inviteAttendee.asResult.useMutation())
    const attendees = render(() => deputy.actions.listAttendees.asResult.useQuery({ eventId: 'none' }))
    const answer = await doing(() =>
      invite.result.current.mutateAsync({ eventId: 'none', attendeeId: 'bob' }),
    )
    expect(answer).toMatchObject({ success: false, code: 'NOT_FOUND' })
    await waitFor(() => expect(attendees.result.current.data).toMatchObject({ success: false }))
  })

  it('waits with skipToken', async () => {
    const { deputy, render, sent } = await pages.page('skip-ada')
    const { result } = render(() => deputy.actions.listAttendees.useQuery(skipToken))
    expect([result.current.fetchStatus, sent]).toEqual(['idle', []])
  })
})

describe('options', () => {
  it('work without a component, and hooks find what they have read', async () => {
    const { deputy, queryClient, render, count } = await pages.page('options-ada')
    const input = { where: { createdBy: 'options-ada' } } as const
    const page = await queryClient.fetchQuery(deputy.records.events.list.queryOptions(input))
    expect(page.records).toEqual([])
    const list = render(() => deputy.records.events.useList(input, { staleTime: 60_000 }))
    expect(list.result.current.data).toEqual(page)
    expect(queryClient.getQueryData(deputy.records.events.list.queryKey(input))).toEqual(page)
    await queryClient.invalidateQueries({ queryKey: deputy.records.events.queryKey() })
    await waitFor(() => expect(count('records.events.list')).toBe(2))
  })

  it('of a query client that is connected with no server say so', async () => {
    const { deputy } = await pages.page('unconnected-ada')
    const { QueryClient } = await import('@tanstack/react-query')
    const options = deputy.actions.listAttendees.queryOptions({ eventId: 'x' })
    await expect(new QueryClient().fetchQuery({ ...options, retry: false })).rejects.toThrow('deputy.connect')
  })

  it('keep inputs apart that JSON does not tell apart', async () => {
    const { deputy } = await pages.page('keys-ada')
    const { list } = deputy.records.events
    const at = list.queryKey({ where: { startsAt: STARTS_AT } })
    expect(JSON.stringify(at)).not.toBe(
      JSON.stringify(list.queryKey({ where: { startsAt: STARTS_AT.toISOString() } as never })),
    )
    expect(list.queryKey()).toEqual(['deputy', 'records', 'events', 'list'])
  })
})
