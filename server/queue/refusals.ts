import { type Failure, fail } from '../core/result.ts'

export function noSuchMessage(id: string): Failure {
  return fail('NOT_FOUND', `There is no message ${JSON.stringify(id)}; one that has arrived is gone.`)
}

export function beingSent(id: string): Failure {
  return fail('CONFLICT', `The message ${JSON.stringify(id)} is being sent; look again shortly.`, {
    details: { retryAfterSeconds: 5 },
  })
}
