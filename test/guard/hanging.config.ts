import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/guard/hanging-run.ts'],
    pool: 'forks',
    setupFiles: ['test/support/end-children.ts'],
  },
})
