import { DRY_RUN_HEADER } from '../../server/http/request-contexts.ts'
import { faultsBy, report } from './contract-check.ts'

/** The document of each server that runs as a process of its own, by its origin. */
const documents = new Map<string, string>()

/**
 * Holds what this process sends to a server, and what it answers, against the document with this text.
 *
 * @param ended when the server has ended, whose port may then be another's; undefined where this process ends first
 */
export function holdServer(url: string, document: string, ended: Promise<unknown> | undefined): void {
  const { origin } = new URL(url)
  documents.set(origin, document)
  const release = () => {
    if (documents.get(origin) === document) documents.delete(origin)
  }
  ended?.then(release, release)
}

/** A `fetch` that holds each exchange with the servers that are held. */
export function holdingFetch(fetched: typeof fetch): typeof fetch {
  return async (input, init) => {
    const request = input instanceof Request ? input : undefined
    const { origin, pathname, search } = new URL(request?.url ?? String(input))
    const document = documents.get(origin)
    if (document === undefined || !pathname.startsWith('/api/')) return fetched(input, init)
    // A stream can be read once, and the server has it.
    const body = typeof init?.body === 'string' ? init.body : await request?.clone().text()
    const headers = new Headers(init?.headers ?? request?.headers)
    const answer = await fetched(input, init)
    // One that goes on has no whole to be held.
    if (answer.headers.get('content-type') === 'text/event-stream') return answer
    // Undefined where the server died within its answer: whoever reads it learns that.
    const text = await answer
      .clone()
      .text()
      .catch(() => undefined)
    if (text === undefined) return answer
    const found = faultsBy(document, {
      method: init?.method ?? request?.method ?? 'GET',
      target: pathname + search,
      header: (name) => headers.get(name) ?? undefined,
      isDryRun: headers.has(DRY_RUN_HEADER),
      body,
      status: answer.status,
      answerHeaders: Object.fromEntries(answer.headers),
      answerBody: text,
    })
    report(found)
    return answer
  }
}
