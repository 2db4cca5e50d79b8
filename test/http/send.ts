import { connect } from 'node:net'

export interface RawAnswer {
  /** Of every answer that came on the connection: more than one tells of a smuggled request. */
  readonly statuses: readonly number[]
  readonly text: string
}

/** Writes bytes on a socket as they are, and reads until the server closes it. */
export function sendRaw(url: string, ...chunks: readonly (string | Uint8Array)[]): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    let text = ''
    const socket = connect({ host: hostname, port: Number(port) }, () => {
      for (const chunk of chunks) socket.write(chunk)
    })
    socket.setEncoding('latin1').on('data', (part: string) => {
      text += part
    })
    socket.on('error', (error) => text === '' && reject(error))
    socket.on('close', () => {
      const lines = text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)
      resolve({ statuses: [...lines].map(([, status]) => Number(status)), text })
    })
  })
}

/** A request's text, with `Host` and `Connection: close` before the given header lines. */
export function rawRequest(line: string, headers: readonly string[] = [], body = ''): string {
  return [`${line} HTTP/1.1`, 'Host: deputy.test', 'Connection: close', ...headers, '', body].join('\r\n')
}

export interface Sending {
  readonly token?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  /** @default '{}' */
  readonly body?: RequestInit['body']
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: Readonly<Record<string, unknown>>
}

/** Posts JSON, unless the headers say otherwise, and reads the answer. */
export async function post(url: string, sending: Sending = {}): Promise<Answer> {
  const { token, headers, body = '{}' } = sending
  return read(
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...bearer(token), ...headers },
      body,
      duplex: 'half',
    } as RequestInit), // `duplex` is missing from Node's own type; a stream as a body needs it.
  )
}

export async function get(url: string, sending: Omit<Sending, 'body'> = {}, method = 'GET'): Promise<Answer> {
  return read(await fetch(url, { method, headers: { ...bearer(sending.token), ...sending.headers } }))
}

function bearer(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` }
}

async function read(response: Response): Promise<Answer> {
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') ?? false
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : {},
  }
}
