import { randomUUID } from 'node:crypto'
import { type Answer, post } from '../http/send.ts'

/** A keyed call, which is the same call however often it is sent. */
export interface Call {
  readonly token: string
  readonly action: 'place' | 'order' | 'raise'
  readonly key: string
  readonly input: Readonly<Record<string, unknown>>
}

/** A new call that makes an event of a name of its own. */
export function newCall(token: string, action: 'place' | 'order'): Call & { readonly name: string } {
  const name = randomUUID()
  return { token, action, key: randomUUID(), input: { name }, name }
}

/** @throws {TypeError} when no answer comes. */
export function send(url: string, { token, action, key, input }: Call): Promise<Answer> {
  return post(`${url}/api/actions/${action}`, {
    token,
    headers: { 'idempotency-key': key },
    body: JSON.stringify(input),
  })
}

/** Whether a step of the call was sent and nobody knows what came of it. */
export function saysThatOutcomeIsUnknown({ status, text }: Pick<Answer, 'status' | 'text'>): boolean {
  return status === 502 && text.includes('outcome is unknown')
}
