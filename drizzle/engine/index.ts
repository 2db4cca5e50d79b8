// The package's entry `deputyjs/collections`: what `drizzle/collections.ts` imports.

export { collection } from './collection.ts'
