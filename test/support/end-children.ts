import { afterAll } from 'vitest'
import { endChildren } from './guarded.ts'

// The run that this file belongs to was killed: nobody waits for its tests any more.
process.once('disconnect', () => process.exit(1))

// Runs before the tests of every file, and so ends after them.
afterAll(endChildren)
