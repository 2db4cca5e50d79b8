import { createVerbsEndpoint, parameters, readBodyAlone, type VerbsEndpoint } from './verbs-endpoint.ts'

/** Exposes `credits.*` over REST, below `/api/credits`. */
export const createCreditsEndpoint: VerbsEndpoint = (callables) =>
  createVerbsEndpoint(callables, 'credits', {
    '': { method: 'GET', verb: 'balance', readInput: parameters('account') },
    '/statement': { method: 'GET', verb: 'statement', readInput: parameters('account', 'limit', 'cursor') },
    '/grant': { method: 'POST', verb: 'grant', readInput: readBodyAlone },
  })
