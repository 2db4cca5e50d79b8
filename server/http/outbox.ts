import { outboxListSchema } from '../queue/list.ts'
import { createVerbsEndpoint, parameters, readBodyAlone, type VerbsEndpoint } from './verbs-endpoint.ts'

/** Exposes `outbox.*` over REST, below `/api/outbox`. */
export const createOutboxEndpoint: VerbsEndpoint = (callables) =>
  createVerbsEndpoint(callables, 'outbox', {
    '': { method: 'GET', verb: 'list', readInput: parameters(...Object.keys(outboxListSchema.shape)) },
    '/retry': { method: 'POST', verb: 'retry', readInput: readBodyAlone },
    '/drop': { method: 'POST', verb: 'drop', readInput: readBodyAlone },
  })
