import { setTimeout as sleep } from 'node:timers/promises'
import { PATIENCE_MS } from '../support/patience.ts'

/** A stream as its reader has it: everything that was sent, and the events in it. */
export interface ReadStream {
  readonly status: number
  /** Every byte, as text. */
  readonly text: string
  readonly events: readonly StreamEvent[]
  /** The `data` of the answers, parsed. */
  readonly answers: readonly Shown[]
  readonly last: Shown | undefined
  readonly lastId: string | undefined
  /** Why the server ended it. */
  readonly ended: { readonly reason: string } | undefined
  /** Whether there is nothing more to come. */
  readonly isClosed: boolean
  readonly response: Response
  /** Waits until it is so. */
  until(isSo: (stream: ReadStream) => boolean): Promise<void>
  close(): void
}

/** What a page, a record or the result of an action is, as JSON has it. */
export interface Shown {
  readonly success?: boolean
  readonly code?: string
  readonly data?: unknown
  readonly records?: readonly ShownRecord[]
  readonly count?: number
  readonly hasMore?: boolean
  readonly record?: ShownRecord | null
}

interface ShownRecord {
  readonly recordId: string
  readonly data: Readonly<Record<string, unknown>>
}

export interface StreamEvent {
  readonly event: string
  readonly data: string
  readonly id: string | undefined
}

export interface ReadStreamOptions {
  readonly token?: string | undefined
  readonly lastId?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** The input of an action, which is sent by POST. */
  readonly input?: object | undefined
}

/** Opens a stream and reads it as it comes. */
export async function readStream(
  url: string | URL,
  { token, lastId, headers, input }: ReadStreamOptions = {},
): Promise<ReadStream> {
  const aborted = new AbortController()
  const response = await fetch(url, {
    signal: aborted.signal,
    ...(input === undefined ? {} : { method: 'POST', body: JSON.stringify(input) }),
    headers: {
      ...(input === undefined ? {} : { 'content-type': 'application/json' }),
      accept: 'text/event-stream',
      ...headers,
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
    },
  })
  let text = ''
  let isClosed = false
  const reading = async () => {
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) text += decoder.decode(bytes, { stream: true })
  }
  void reading()
    .catch(() => {})
    .finally(() => {
      isClosed = true
    })
  const stream: ReadStream = {
    status: response.status,
    response,
    get text() {
      return text
    },
    get events() {
      return eventsIn(text)
    },
    get answers() {
      return eventsIn(text)
        .filter(({ event }) => event === 'message')
        .map(({ data }) => JSON.parse(data))
    },
    get last() {
      return stream.answers.at(-1)
    },
    get lastId() {
      return eventsIn(text).findLast(({ id }) => id !== undefined)?.id
    },
    get ended() {
      const end = eventsIn(text).find(({ event }) => event === 'end')
      return end && JSON.parse(end.data)
    },
    get isClosed() {
      return isClosed
    },
    async until(isSo) {
      const untilMs = Date.now() + PATIENCE_MS
      while (!isSo(stream)) {
        if (Date.now() > untilMs) throw new Error(`The stream never came to it:\n${text.slice(-2_000)}`)
        await sleep(5)
      }
    },
    close: () => aborted.abort(),
  }
  return stream
}

function eventsIn(text: string): StreamEvent[] {
  // What comes after the last empty line is not whole yet.
  return text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const fields = new Map(
        block.split('\n').flatMap((line): [string, string][] => {
          const [, name = '', value = ''] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? []
          return name === '' ? [] : [[name, value]]
        }),
      )
      const data = fields.get('data')
      return data === undefined
        ? []
        : [{ event: fields.get('event') ?? 'message', data, id: fields.get('id') }]
    })
}

/** The titles on a page of events. */
export function titlesOf(page: Shown | undefined): string[] {
  return (page?.records ?? []).map(({ data }) => String(data.title))
}
