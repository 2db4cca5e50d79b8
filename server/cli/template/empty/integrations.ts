import { defineIntegrations } from 'deputyjs/integrations'

// OpenAI, Resend and others, to copy from: node_modules/deputyjs/templates/example/integrations.ts
export const integrations = defineIntegrations({})
