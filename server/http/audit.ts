import { auditQuerySchema } from '../audit/query.ts'
import { createVerbsEndpoint, parameters, type VerbsEndpoint } from './verbs-endpoint.ts'

/** Exposes `audit.list` as `GET /api/audit`. */
export const createAuditEndpoint: VerbsEndpoint = (callables) =>
  createVerbsEndpoint(callables, 'audit', {
    '': {
      method: 'GET',
      verb: 'list',
      readInput: parameters(...Object.keys(auditQuerySchema.shape)),
    },
  })
