import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { Stopwatch } from '../../server/invocation/run-state.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

function started(limitMs: number) {
  const stopwatch = new Stopwatch(limitMs)
  const onExpire = vi.fn()
  stopwatch.start(onExpire)
  return { stopwatch, onExpire }
}

it('expires when its time is over', () => {
  const { onExpire } = started(1_000)
  vi.advanceTimersByTime(999)
  expect(onExpire).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(onExpire).toHaveBeenCalledOnce()
})

it.each([
  ['shorter than what is left', 100],
  ['longer than what is left', 5_000],
])('does not count a pause %s', (_what, pauseMs) => {
  const { stopwatch, onExpire } = started(1_000)
  vi.advanceTimersByTime(400)
  stopwatch.pause()
  vi.advanceTimersByTime(pauseMs)
  expect(stopwatch.remainingMs).toBe(600)
  stopwatch.resume()
  vi.advanceTimersByTime(599)
  expect(onExpire).not.toHaveBeenCalled()
  vi.advanceTimersByTime(1)
  expect(onExpire).toHaveBeenCalledOnce()
})

it('runs again when everybody who paused it has resumed it', () => {
  const { stopwatch, onExpire } = started(1_000)
  stopwatch.pause()
  stopwatch.pause()
  stopwatch.resume()
  vi.advanceTimersByTime(2_000)
  expect(stopwatch.remainingMs).toBe(1_000)
  stopwatch.resume()
  vi.advanceTimersByTime(1_000)
  expect(onExpire).toHaveBeenCalledOnce()
})

it('never expires once it is stopped, and keeps no timer', () => {
  const { stopwatch, onExpire } = started(1_000)
  stopwatch.stop()
  expect(vi.getTimerCount()).toBe(0)
  stopwatch.resume()
  vi.advanceTimersByTime(5_000)
  expect(onExpire).not.toHaveBeenCalled()
})
