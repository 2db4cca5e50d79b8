import { dehydrate, HydrationBoundary, hydrate, QueryClient } from '@tanstack/react-query'
import { act, cleanup, waitFor } from '@testing-library/react'
import { createElement, StrictMode, Suspense, useState } from 'react'
import { hydrateRoot } from 'react-dom/client'
import { renderToString } from 'react-dom/server'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { createDeputy, hydration } from '../../client/react/index.ts'
import type { FixtureRouter } from '../fixture/app.ts'
import { page as document, openPages, textOf } from './react-app.ts'

type Pages = Awaited<ReturnType<typeof openPages>>
let pages: Pages
beforeAll(async () => {
  pages = await openPages()
})
afterAll(() => pages[Symbol.asyncDispose]())
afterEach(cleanup)

const STARTS_AT = new Date('2030-01-01T18:00:00.250Z')
const deputy = createDeputy<FixtureRouter>()
const send = (input: string, init?: object) => fetch(input, init as RequestInit)

function Titles({ of }: { readonly of: string }) {
  const { data, isPending } = deputy.records.events.useList(
    { where: { createdBy: of } },
    { staleTime: 60_000 },
  )
  if (isPending || !data) return 'loading'
  const items = data.records.map(({ recordId, data: { title, startsAt } }) =>
    createElement('li', { key: recordId }, `${title} ${startsAt?.getUTCFullYear()}`),
  )
  return createElement('ul', null, items)
}

async function connected(user: string, queryClient?: QueryClient) {
  return deputy.connect({
    url: await pages.app.listen(),
    token: await pages.app.token(user),
    fetch: send,
    ...(queryClient ? { queryClient } : {}),
  })
}

it('a page is rendered on the server, and goes on in the browser without a warning and without a request', async () => {
  const onServer = await connected('ssr-ada')
  await onServer.client.actions.createEvent.mutate({ title: 'Launch', startsAt: STARTS_AT, capacity: 5 })
  const options = deputy.records.events.list.queryOptions({ where: { createdBy: 'ssr-ada' } })
  await onServer.queryClient.prefetchQuery(options)
  const page = (connection: { readonly queryClient: QueryClient }, state: unknown) =>
    createElement(
      StrictMode,
      null,
      createElement(
        deputy.Provider,
        { connection },
        createElement(HydrationBoundary, { state } as never, createElement(Titles, { of: 'ssr-ada' })),
      ),
    )
  const html = renderToString(page(onServer, undefined))
  expect(html).toContain('Launch 2030')
  // As it goes into the page: dates stay dates.
  const state = JSON.parse(JSON.stringify(dehydrate(onServer.queryClient)))

  const warned = vi.spyOn(console, 'error')
  let requests = 0
  const inBrowser = deputy.connect({
    url: await pages.app.listen(),
    token: await pages.app.token('ssr-ada'),
    fetch: (input, init) => {
      requests += 1
      return send(input, init)
    },
  })
  const container = document.createElement('div')
  document.body.append(container)
  container.innerHTML = html
  const before = container.innerHTML
  const root = await act(async () => hydrateRoot(container as never, page(inBrowser, state)))
  expect(container.innerHTML).toBe(before)
  expect([warned.mock.calls, requests]).toEqual([[], 0])
  await act(async () => root.unmount())
  warned.mockRestore()
  container.remove()
})

it('what a server has read keeps its dates in the query client of an app’s own', async () => {
  const { client, queryClient } = await connected('own-ada', new QueryClient({ defaultOptions: hydration }))
  await client.actions.createEvent.mutate({ title: 'Launch', startsAt: STARTS_AT, capacity: 5 })
  const options = deputy.records.events.list.queryOptions({ where: { createdBy: 'own-ada' } })
  await queryClient.prefetchQuery(options)
  const other = new QueryClient({ defaultOptions: hydration })
  hydrate(other, JSON.parse(JSON.stringify(dehydrate(queryClient))))
  expect(other.getQueryData(options.queryKey)?.records[0]?.data.startsAt).toEqual(STARTS_AT)
})

it('a component that waits shows the fallback, and then what was read', async () => {
  const { render } = await import('@testing-library/react')
  const connection = await connected('suspense-ada')
  function Count() {
    const { data } = deputy.records.events.list.useSuspenseQuery({ where: { createdBy: 'suspense-ada' } })
    return `${data.count} events`
  }
  const { container } = render(
    createElement(
      deputy.Provider,
      { connection },
      createElement(Suspense, { fallback: 'waiting' }, createElement(Count)),
    ),
  )
  expect(textOf(container)).toBe('waiting')
  await waitFor(() => expect(textOf(container)).toBe('0 events'))
})

it('two deputies in one query client keep their answers apart', async () => {
  const other = createDeputy<FixtureRouter>({ name: 'other' })
  const queryClient = new QueryClient()
  await connected('apart-ada', queryClient)
  other.connect({
    url: await pages.app.listen(),
    token: await pages.app.token('apart-bob'),
    fetch: send,
    queryClient,
  })
  const mine = await queryClient.fetchQuery(deputy.users.me.queryOptions())
  const theirs = await queryClient.fetchQuery(other.users.me.queryOptions())
  expect([mine.userId, theirs.userId]).toEqual(['apart-ada', 'apart-bob'])
})

it('a list follows its input', async () => {
  const { render } = await import('@testing-library/react')
  const connection = await connected('input-ada')
  await connection.client.actions.createEvent.mutate({ title: 'Mine', startsAt: STARTS_AT, capacity: 5 })
  let show: (user: string) => void = () => {}
  function Page() {
    const [user, setUser] = useState('nobody')
    show = setUser
    return createElement(Titles, { of: user })
  }
  const { container } = render(createElement(deputy.Provider, { connection }, createElement(Page)))
  await waitFor(() => expect(textOf(container)).toBe(''))
  await act(async () => show('input-ada'))
  await waitFor(() => expect(textOf(container)).toBe('Mine 2030'))
})
