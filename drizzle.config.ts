import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'postgresql',
  schema: ['./drizzle/collections.ts', './drizzle/system.ts'],
  out: './drizzle/migrations',
  casing: 'snake_case',
})
