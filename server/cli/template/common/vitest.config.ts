import { defineConfig } from 'vitest/config'

// A test with a database of its own takes a moment: the embedded one is made once for each file.
export default defineConfig({
  test: { include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 60_000, maxWorkers: 2 },
})
