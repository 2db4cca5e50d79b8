import { onlineManager } from '@tanstack/react-query'
import { cleanup, waitFor } from '@testing-library/react'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import type { ClientFetch, ClientResponse } from '../../client/core/index.ts'
import { doing, failing, openPages } from './react-app.ts'

type Pages = Awaited<ReturnType<typeof openPages>>
let pages: Pages
beforeAll(async () => {
  pages = await openPages()
})
afterAll(() => pages[Symbol.asyncDispose]())
afterEach(() => {
  cleanup()
  onlineManager.setOnline(true)
})

const STARTS_AT = new Date('2030-01-01T18:00:00.250Z')
const event = (title: string) => ({ title, startsAt: STARTS_AT, capacity: 5 })

/** A network that holds the next requests of a path back, or does not deliver their answers. */
function createNetwork() {
  const held: { readonly path: string; release(): void }[] = []
  const lost = new Set<string>()
  let holds: string | undefined
  let holdsAnswer: string | undefined
  const through =
    (send: ClientFetch): ClientFetch =>
    async (input, init): Promise<ClientResponse> => {
      const path = new URL(input).pathname.replace('/trpc/', '')
      if (path === holds) await new Promise<void>((release) => held.push({ path, release }))
      const answer = await send(input, init)
      if (path === holdsAnswer) await new Promise<void>((release) => held.push({ path, release }))
      if (lost.delete(path)) throw new TypeError('The connection was lost')
      return answer
    }
  return {
    through,
    held,
    /** From now on requests of this path wait. */
    hold(path: string | undefined) {
      holds = path
    },
    /** From now on answers of this path are late. */
    holdAnswer(path: string | undefined) {
      holdsAnswer = path
    },
    /** The answer to the next request of this path is lost. */
    lose: (path: string) => lost.add(path),
    release() {
      for (const { release } of held.splice(0)) release()
    },
  }
}

/** A user with events of these titles, and the list of them. */
async function openList(user: string, titles: readonly string[]) {
  const network = createNetwork()
  const page = await pages.page(user, network.through)
  const ids: string[] = []
  for (const title of titles) {
    const made = await page.client.records.events.create.mutate({ data: event(title) })
    if (made.success) ids.push(made.data.recordId)
  }
  const where = { createdBy: user }
  const list = page.render(() =>
    page.deputy.records.events.useList({ where, orderBy: 'title', orderDir: 'asc' }),
  )
  const records = page.render(() => page.deputy.useRecords('events'))
  const shown = () => list.result.current.data?.records.map(({ data }) => data.title)
  await waitFor(() => expect(shown()).toEqual(titles))
  return { ...page, network, ids, list, records, shown }
}

describe('a change', () => {
  it('is shown at once, stays where the list is read again meanwhile, and is what the server then says', async () => {
    const { network, ids, records, shown, queryClient, deputy, count } = await openList('change-ada', [
      'a',
      'b',
    ])
    network.hold('records.events.update')
    let settled: Promise<unknown> | undefined
    await doing(() => {
      settled = records.result.current.update.mutateAsync({ recordId: ids[0] ?? '', patch: { title: 'z' } })
    })
    await waitFor(() => expect(network.held).toHaveLength(1))
    await waitFor(() => expect(shown()).toEqual(['z', 'b']))
    await doing(() => queryClient.invalidateQueries({ queryKey: deputy.records.events.queryKey() }))
    expect([shown(), count('records.events.list')]).toEqual([['z', 'b'], 2])
    network.release()
    await doing(() => settled)
    await waitFor(() => expect(shown()).toEqual(['b', 'z']))
    expect(count('records.events.list')).toBe(3)
  })

  it('that fails is taken back, and another one on its way stays', async () => {
    const { network, ids, records, shown } = await openList('rollback-ada', ['a', 'b'])
    const [one = '', two = ''] = ids
    network.hold('records.events.update')
    const outcomes: Promise<unknown>[] = []
    await doing(() => {
      const { update } = records.result.current
      outcomes.push(
        update
          .mutateAsync({ recordId: one, patch: { title: 'x', capacity: -1 } })
          .catch((error) => error.code),
      )
    })
    await waitFor(() => expect(network.held).toHaveLength(1))
    network.hold('records.events.remove')
    await doing(() => {
      outcomes.push(records.result.current.remove.mutateAsync({ recordId: two }))
    })
    await waitFor(() => expect(network.held).toHaveLength(2))
    await waitFor(() => expect(shown()).toEqual(['x']))
    network.held[0]?.release()
    expect(await doing(() => outcomes[0])).toBe('BAD_REQUEST')
    await waitFor(() => expect(shown()).toEqual(['a']))
    expect(records.result.current.update.error?.code).toBe('BAD_REQUEST')
    network.release()
    await doing(() => outcomes[1])
    await waitFor(() => expect(shown()).toEqual(['a']))
  })

  it('that makes a record shows it where it is known to belong', async () => {
    const { network, records, render, deputy } = await openList('create-ada', ['a', 'c'])
    const titles = (
      use: () => { data?: { records: readonly { data: { title?: string } }[] } | undefined },
    ) => {
      const { result } = render(use)
      return () => result.current.data?.records.map(({ data }) => data.title)
    }
    const { events } = deputy.records
    const sorted = titles(() =>
      events.useList({ orderBy: 'title', orderDir: 'asc', where: { capacity: 77 } }),
    )
    const newest = titles(() => events.useList({ where: { capacity: 77 } }))
    const other = titles(() => events.useList({ where: { capacity: 78 } }))
    const unknown = titles(() => events.useList({ where: { capacity: { gt: 76, lt: 78 } } }))
    await waitFor(() => expect([sorted(), newest(), other(), unknown()]).toEqual([[], [], [], []]))
    network.hold('records.events.create')
    let settled: Promise<unknown> | undefined
    await doing(() => {
      settled = records.result.current.create.mutateAsync({ data: { ...event('b'), capacity: 77 } })
    })
    await waitFor(() => expect([sorted(), newest(), other(), unknown()]).toEqual([['b'], ['b'], [], []]))
    network.release()
    await doing(() => settled)
    await waitFor(() => expect(unknown()).toEqual(['b']))
    expect([sorted(), newest(), other()]).toEqual([['b'], ['b'], []])
  })

  it('is shown when it was made to who asks for that', async () => {
    const { network, ids, shown, render, deputy } = await openList('patient-ada', ['a'])
    const records = render(() => deputy.useRecords('events', { optimistic: false }))
    network.hold('records.events.remove')
    let settled: Promise<unknown> | undefined
    await doing(() => {
      settled = records.result.current.remove.mutateAsync({ recordId: ids[0] ?? '' })
    })
    await waitFor(() => expect(network.held).toHaveLength(1))
    expect(shown()).toEqual(['a'])
    network.release()
    await doing(() => settled)
    await waitFor(() => expect(shown()).toEqual([]))
  })
})

describe('a submission', () => {
  it('is one, however often it is clicked, and the next one is another', async () => {
    const { records, network, shown, sent } = await openList('click-ada', [])
    const { create } = records.result.current
    network.hold('records.events.create')
    const clicks: Promise<{ recordId: string }>[] = []
    await doing(() => {
      for (let click = 0; click < 3; click += 1) clicks.push(create.mutateAsync({ data: event('once') }))
    })
    await waitFor(() => expect(shown()).toEqual(['once']))
    network.release()
    const made = await doing(() => Promise.all(clicks))
    expect(new Set(made.map(({ recordId }) => recordId)).size).toBe(1)
    network.hold(undefined)
    await doing(() => create.mutateAsync({ data: event('once') }))
    await waitFor(() => expect(shown()).toEqual(['once', 'once']))
    const keys = sent.filter(({ path }) => path === 'records.events.create').map(({ keys }) => keys)
    expect([keys.length, new Set(keys).size]).toEqual([2, 2])
  })

  it('keeps its key when TanStack Query tries again, and after an answer that was lost', async () => {
    const { deputy, render, network, sent, client } = await openList('lost-ada', [])
    const create = render(() => deputy.actions.createEvent.useMutation({ retry: 1, retryDelay: 1 }))
    network.lose('actions.createEvent')
    await doing(() => create.result.current.mutateAsync(event('again')))
    const patient = render(() => deputy.actions.createEvent.useMutation())
    network.lose('actions.createEvent')
    const lost = await failing(() => patient.result.current.mutateAsync(event('lost')))
    expect(lost).toMatchObject({ code: undefined })
    await doing(() => patient.result.current.mutateAsync(event('lost')))
    const keys = sent.filter(({ path }) => path === 'actions.createEvent').map(({ keys }) => keys)
    expect([keys.length, new Set(keys).size]).toEqual([4, 2])
    const listed = await client.records.events.list.query({ where: { createdBy: 'lost-ada' } })
    expect(listed.success && listed.data.count).toBe(2)
  })

  it('waits offline, and is sent once', async () => {
    const { records, shown, sent, queryClient } = await openList('offline-ada', [])
    const { create } = records.result.current
    onlineManager.setOnline(false)
    const clicks: Promise<unknown>[] = []
    await doing(() => {
      for (let click = 0; click < 2; click += 1) clicks.push(create.mutateAsync({ data: event('later') }))
    })
    await waitFor(() => expect(shown()).toEqual(['later']))
    expect(sent.filter(({ path }) => path === 'records.events.create')).toEqual([])
    onlineManager.setOnline(true)
    await doing(() => queryClient.resumePausedMutations())
    await doing(() => Promise.all(clicks))
    expect(sent.filter(({ path }) => path === 'records.events.create')).toHaveLength(1)
    await waitFor(() => expect(shown()).toEqual(['later']))
  })

  it('of a caller without a token has no key, which the server would refuse', async () => {
    const { deputy, render, queryClient } = await pages.page('anyone')
    const keys: unknown[] = []
    deputy.connect({
      url: await pages.app.listen(),
      queryClient,
      retries: false,
      fetch: (input, init) => {
        keys.push(init?.headers?.['idempotency-key'])
        return fetch(input, init as RequestInit)
      },
    })
    const create = render(() => deputy.actions.createEvent.useMutation())
    expect(await failing(() => create.result.current.mutateAsync(event('x')))).toMatchObject({
      code: 'UNAUTHORIZED',
    })
    expect(keys).toEqual([undefined])
  })
})

describe('reading again', () => {
  it('includes what was being read for the first time when it was written', async () => {
    const network = createNetwork()
    const { deputy, render, client, count } = await pages.page('first-ada', network.through)
    network.holdAnswer('records.events.list')
    const list = render(() => deputy.records.events.useList({ where: { createdBy: 'first-ada' } }))
    const create = render(() => deputy.actions.createEvent.useMutation())
    await waitFor(() => expect(network.held).toHaveLength(1))
    network.holdAnswer(undefined)
    let settled: Promise<unknown> | undefined
    await doing(() => {
      settled = create.result.current.mutateAsync(event('x'))
    })
    await waitFor(() => expect(count('actions.createEvent')).toBe(1))
    network.release()
    await doing(() => settled)
    await waitFor(() => expect(list.result.current.data?.count).toBe(1))
    expect(client).toBeDefined()
  })

  it('includes everything when no one knows what was written', async () => {
    const { deputy, render, network, count } = await openList('unknown-ada', [])
    const cancel = render(() => deputy.actions.createEvent.useMutation())
    network.lose('actions.createEvent')
    await doing(() => cancel.result.current.mutateAsync(event('x')).catch(() => {}))
    await waitFor(() => expect(count('records.events.list')).toBe(2))
  })

  it('is left out by who asks for that', async () => {
    const { deputy, render, queryClient } = await pages.page('quiet-ada')
    const asked: unknown[] = []
    deputy.connect({
      url: await pages.app.listen(),
      token: await pages.app.token('quiet-ada'),
      queryClient,
      refresh: false,
      fetch: (input, init) => {
        asked.push(init?.headers?.['deputy-tell-writes'])
        return fetch(input, init as RequestInit)
      },
    })
    const list = render(() => deputy.records.events.useList())
    const create = render(() => deputy.actions.createEvent.useMutation())
    await waitFor(() => expect(list.result.current.isSuccess).toBe(true))
    await doing(() => create.result.current.mutateAsync(event('x')))
    // One for the list, one for the mutation, and none for the list again.
    expect(asked).toEqual([undefined, undefined])
  })
})
