import { defineIntegrations } from 'deputyjs/integrations'

export const integrations = defineIntegrations({})
