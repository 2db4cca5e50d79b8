import { expect, it, vi } from 'vitest'

/** More than Vitest gives a wait by itself. */
const LONG_MS = 1_500

it.concurrent.each([
  ['vi.waitFor', (read: () => number) => vi.waitFor(() => expect(read()).toBeGreaterThan(LONG_MS))],
  ['expect.poll', (read: () => number) => expect.poll(read).toBeGreaterThan(LONG_MS)],
] as const)('%s waits through a pause of the machine', async (_, wait) => {
  const beganMs = performance.now()
  await wait(() => performance.now() - beganMs)
})
