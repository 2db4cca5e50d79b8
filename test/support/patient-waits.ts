import { afterAll, vi } from 'vitest'
import { PATIENCE_MS } from './patience.ts'

// Runs before the tests of every file. Vitest gives a wait one second, and a machine under load pauses for longer:
// what a test waits for may take nearly as long as the test. `expect.poll` has its limit from vitest.config.ts.
const { waitFor } = vi
vi.waitFor = (callback, options) =>
  waitFor(callback, {
    timeout: PATIENCE_MS,
    ...(typeof options === 'number' ? { timeout: options } : options),
  })
afterAll(() => {
  vi.waitFor = waitFor
})
