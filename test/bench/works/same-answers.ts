import { randomUUID } from 'node:crypto'
import { answerShape } from '../answer-shape.ts'
import type { RequestTemplate } from '../load-job.ts'
import { fillIn } from '../request-source.ts'
import type { Server } from '../servers.ts'

/** Sends a request to both servers. @returns how their answers differ, if they do */
export async function differentAnswers(
  template: RequestTemplate,
  servers: readonly [Server, Server],
): Promise<string[]> {
  const { method, path, headers, body = null } = fillIn(template, randomUUID())
  const [one, other] = await Promise.all(
    servers.map(async ({ url }) => {
      const answer = await fetch(`${url}${path}`, { method, headers, body })
      return `${answer.status} ${JSON.stringify(answerShape(await answer.json()))}`
    }),
  )
  return one === other ? [] : [`${path} is answered with ${one} here, and with ${other} there`]
}
