import { auditQuerySchema } from '../audit/query.ts'
import { reviveBySchema } from '../wire/from-json.ts'
import { createVerbsEndpoint, parameters, type VerbsEndpoint } from './verbs-endpoint.ts'

const read = parameters(...Object.keys(auditQuerySchema.shape))

/** Exposes `audit.list` as `GET /api/audit`. */
export const createAuditEndpoint: VerbsEndpoint = (router) =>
  createVerbsEndpoint(router, 'audit', {
    '': {
      method: 'GET',
      verb: 'list',
      readInput(request) {
        const input = read(request)
        return 'failure' in input ? input : { value: reviveBySchema(auditQuerySchema, input.value) }
      },
    },
  })
