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
  /** Is told of each answer as it comes, and of nothing that came before; of what was sent, the last answer alone is kept then. */
  readonly onAnswer?: (answer: Shown) => void
}

/** Opens a stream and reads it as it comes. */
export async function readStream(
  url: string | URL,
  { token, lastId, headers, input, onAnswer }: ReadStreamOptions = {},
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
  let [text, pending] = ['', '']
  const events: StreamEvent[] = []
  const answers: Shown[] = []
  let newestId: string | undefined
  let isClosed = false
  const take = (sent: string) => {
    const isWhole = onAnswer === undefined
    if (isWhole) text += sent
    // What comes after the last empty line is not whole yet.
    const blocks = (pending + sent).split('\n\n')
    pending = blocks.pop() ?? ''
    for (const event of blocks.flatMap(eventIn)) {
      newestId = event.id ?? newestId
      if (isWhole || event.event === 'end') events.push(event)
      if (event.event !== 'message') continue
      const answer: Shown = JSON.parse(event.data)
      if (!isWhole) answers.length = 0
      answers.push(answer)
      onAnswer?.(answer)
    }
  }
  const reading = async () => {
    const decoder = new TextDecoder()
    for await (const bytes of response.body ?? []) take(decoder.decode(bytes, { stream: true }))
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
    events,
    answers,
    get last() {
      return answers.at(-1)
    },
    get lastId() {
      return newestId
    },
    get ended() {
      const end = events.find(({ event }) => event === 'end')
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

/**
 * Opens a stream with a token that expires soon: in a second or two, or later where the machine is too slow to open it
 * by then. @param open is given the second at which the token expires
 */
export async function readExpiring(
  open: (exp: number) => Promise<ReadStream>,
): Promise<{ readonly stream: ReadStream; readonly exp: number }> {
  for (let seconds = 1; ; seconds *= 2) {
    const exp = Math.ceil(Date.now() / 1_000) + seconds
    const stream = await open(exp)
    if (stream.status !== 401) return { stream, exp }
    stream.close()
  }
}

function eventIn(block: string): StreamEvent[] {
  const fields = new Map(
    block.split('\n').flatMap((line): [string, string][] => {
      const [, name = '', value = ''] = /^([^:]+)(?:: ?(.*))?$/.exec(line) ?? []
      return name === '' ? [] : [[name, value]]
    }),
  )
  const data = fields.get('data')
  return data === undefined ? [] : [{ event: fields.get('event') ?? 'message', data, id: fields.get('id') }]
}

/** The titles on a page of events. */
export function titlesOf(page: Shown | undefined): string[] {
  return (page?.records ?? []).map(({ data }) => String(data.title))
}
