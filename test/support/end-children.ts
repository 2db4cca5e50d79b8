import { afterAll } from 'vitest'
import { endChildren } from './guarded.ts'

// Runs before the tests of every file, and so ends after them.
afterAll(endChildren)

// The run that this file belongs to was killed: nobody waits for its tests any more.
const end = () => process.exit(1)
process.once('disconnect', end)
afterAll(() => {
  process.off('disconnect', end)
})
