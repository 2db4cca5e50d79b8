import { vi } from 'vitest'

const realSetTimeout = setTimeout

/** Makes a call that has so much time: it is over once `hasBegun`, however long the machine takes until then. */
export async function timedOut<T>(
  timeoutMs: number,
  hasBegun: () => boolean,
  call: () => Promise<T>,
): Promise<T> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  try {
    let isEnded = false
    const answer = call().finally(() => {
      isEnded = true
    })
    while (!isEnded && !hasBegun()) await new Promise(setImmediate)
    // The clock that says whether there is time for another try is the machine's.
    await new Promise((resolve) => realSetTimeout(resolve, timeoutMs + 5))
    vi.advanceTimersByTime(timeoutMs)
    // What comes after it has the time of the machine.
    vi.useRealTimers()
    return await answer
  } finally {
    vi.useRealTimers()
  }
}
