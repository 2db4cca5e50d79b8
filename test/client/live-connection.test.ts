import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ClientFetch, ClientResponse } from '../../client/core/client-fetch.ts'
import { keepOpen } from '../../client/core/live.ts'
import type { LiveState } from '../../client/core/live-types.ts'

// What a network does to a stream, by a clock that the test moves.
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  // The longest waits that there are.
  vi.spyOn(Math, 'random').mockReturnValue(1)
})
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** A stream of these pieces, which then ends, or stays open. */
function answer(
  pieces: readonly string[],
  { type = 'text/event-stream', stays = false } = {},
): ClientResponse {
  const left = [...pieces]
  const read = async () => {
    const piece = left.shift()
    if (piece !== undefined) return { done: false, value: new TextEncoder().encode(piece) }
    return stays ? new Promise<never>(() => {}) : { done: true }
  }
  return {
    ok: true,
    status: 200,
    headers: { get: (name) => (name === 'content-type' ? type : null) },
    json: async () => ({}),
    body: { getReader: () => ({ read }) },
  }
}
const event = (id: string, data: unknown) => `id: ${id}\ndata: ${JSON.stringify({ json: data })}\n\n`
const CONNECTED = 'event: connected\ndata: {}\n\n'

/** Keeps a stream open, and counts the requests. */
function follow(fetch: (nth: number) => Promise<ClientResponse>, headers = async () => ({})) {
  const ended = new AbortController()
  const states: LiveState[] = []
  const shown: unknown[] = []
  const lastIds: (string | undefined)[] = []
  const counted: ClientFetch = async (_url, init) => {
    lastIds.push(init?.headers?.['last-event-id'])
    return fetch(lastIds.length)
  }
  void keepOpen(
    { url: 'http://127.0.0.1/trpc', fetch: counted, headers },
    {
      path: 'records.events.live',
      input: undefined,
      signal: ended.signal,
      handlers: {
        onData: (data) => shown.push(data),
        onConnectionStateChange: (state) => states.push(state),
      },
    },
  )
  return { states, shown, lastIds, stop: () => ended.abort() }
}

describe('a stream that is lost', () => {
  it('is asked for less and less often where it is accepted and ended at once', async () => {
    const followed = follow(async () => answer([CONNECTED]))
    await vi.advanceTimersByTimeAsync(60_000)
    // After 0.25 s, 0.5, 1, 2, 4, 8, and then every 10 s.
    expect(followed.lastIds.length).toBeGreaterThan(8)
    expect(followed.lastIds.length).toBeLessThan(13)
    followed.stop()
  })

  it('is asked for at once again where it was steady before', async () => {
    let end = () => {}
    const followed = follow(async (nth) => {
      if (nth > 1) return answer([CONNECTED], { stays: true })
      const opened = answer([CONNECTED, event('a', 1)], { stays: true })
      const { read } = opened.body?.getReader() ?? { read: async () => ({ done: true }) }
      const ended = new Promise<{ done: true }>((resolve) => {
        end = () => resolve({ done: true })
      })
      return { ...opened, body: { getReader: () => ({ read: () => Promise.race([read(), ended]) }) } }
    })
    await vi.advanceTimersByTimeAsync(10_000)
    end()
    await vi.advanceTimersByTimeAsync(251)
    expect(followed.lastIds).toEqual([undefined, 'a'])
    expect(followed.states.map(({ state }) => state)).toEqual([
      'connecting',
      'pending',
      'connecting',
      'pending',
    ])
    followed.stop()
  })

  it('is asked for again where nothing answers, and where nothing comes', async () => {
    const never = () => new Promise<never>(() => {})
    const followed = follow(async (nth) => (nth === 1 ? never() : answer([event('a', 1)], { stays: true })))
    await vi.advanceTimersByTimeAsync(45_000)
    expect(followed.lastIds.length).toBe(1)
    await vi.advanceTimersByTimeAsync(251)
    expect([followed.lastIds.length, followed.shown]).toEqual([2, [1]])
    await vi.advanceTimersByTimeAsync(45_501)
    expect(followed.lastIds).toEqual([undefined, undefined, 'a'])
    followed.stop()
  })

  it('is asked for again where its token does not come', async () => {
    let asked = 0
    const headers = () => {
      asked += 1
      return asked === 1 ? new Promise<never>(() => {}) : Promise.resolve({})
    }
    const followed = follow(async () => answer([event('a', 1)], { stays: true }), headers)
    await vi.advanceTimersByTimeAsync(45_251)
    expect([asked, followed.shown]).toEqual([2, [1]])
    followed.stop()
  })

  it('is not what something else on the way answers with', async () => {
    const followed = follow(async (nth) =>
      nth === 1
        ? answer(['<html>data: {"json":"sign in to this network"}\n\n'], { type: 'text/html' })
        : answer([event('a', 1)], { stays: true }),
    )
    await vi.advanceTimersByTimeAsync(251)
    expect(followed.shown).toEqual([1])
    expect(followed.states[1]?.error?.message).toBe(
      'What answered is no stream of this server’s: it sent text/html.',
    )
    followed.stop()
  })
})
