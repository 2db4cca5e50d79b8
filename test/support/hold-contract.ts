import { afterAll, afterEach } from 'vitest'
import { refuseFaults } from './contract-check.ts'
import { holdingFetch } from './held-servers.ts'

// Runs before the tests of every file: a test fails when an exchange of its was not as the app's OpenAPI document says.
// Apps in this process are held where they answer, servers of their own processes where they are asked.
const before = globalThis.fetch
globalThis.fetch = holdingFetch(before)
afterEach(refuseFaults)
afterAll(() => {
  globalThis.fetch = before
  refuseFaults()
})
