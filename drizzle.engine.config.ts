import { defineConfig } from 'drizzle-kit'

// The engine's own tables. Their schema is not exported there: whoever applies the migrations makes it first.
export default defineConfig({
  dialect: 'postgresql',
  schema: './drizzle/engine/system.ts',
  out: './drizzle/engine/migrations',
})
