import type { LoadJob, RequestTemplate } from './load-job.ts'

/** What the load generator makes requests from: one that stays as it is, or a function that makes each anew. */
export type RequestSource = RequestTemplate | { setupRequest(defaults: object): object }

export function createRequestSource({ templates, name }: Pick<LoadJob, 'templates' | 'name'>): RequestSource {
  const [first] = templates
  if (!first) throw new Error(`The job ${name} has no requests`)
  if (templates.length === 1 && !JSON.stringify(first).includes('{id}')) return first
  let made = 0
  return {
    setupRequest(defaults) {
      const template = templates[Math.floor(Math.random() * templates.length)] ?? first
      made += 1
      return { ...defaults, ...fillIn(template, `${name}-${made}`) }
    },
  }
}

/** The request of this id. */
export function fillIn({ method, path, headers, body }: RequestTemplate, id: string): RequestTemplate {
  const fill = (text: string) => text.replaceAll('{id}', id)
  return {
    method,
    path: fill(path),
    headers: Object.fromEntries(Object.entries(headers).map(([key, value]) => [key, fill(value)])),
    ...(body === undefined ? {} : { body: fill(body) }),
  }
}
