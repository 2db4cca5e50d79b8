// The package's entry `deputyjs/integrations`: what `integrations.ts` imports.

export { defineIntegrations, endpoint } from './declarations.ts'
