import { readList } from './list-parameters.ts'
import { createVerbsEndpoint, parameters, readBodyAlone, type VerbsEndpoint } from './verbs-endpoint.ts'

/** Exposes `users.*` over REST, below `/api/users`. */
export const createUsersEndpoint: VerbsEndpoint = (callables) =>
  createVerbsEndpoint(callables, 'users', {
    '': {
      method: 'GET',
      verb: 'list',
      readInput: (request) => readList(new URL(request.url).search),
    },
    '/me': { method: 'GET', verb: 'me', readInput: parameters() },
    '/register': { method: 'POST', verb: 'register', readInput: readBodyAlone },
    '/setBlocked': { method: 'POST', verb: 'setBlocked', readInput: readBodyAlone },
    '/setRole': { method: 'POST', verb: 'setRole', readInput: readBodyAlone },
  })
