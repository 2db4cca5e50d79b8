import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // In one process, one file after another: the embedded database is made once, and copied for each test.
    isolate: false,
    maxWorkers: 1,
  },
})
