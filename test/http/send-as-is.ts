import { request } from 'node:http'

export interface Sent {
  readonly method?: string
  readonly path: string
  readonly headers?: readonly (readonly [name: string, value: string])[]
  readonly body?: string | Uint8Array
  readonly token?: string | undefined
}

export interface AnswerAsIs {
  readonly status: number | undefined
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** Sends headers as they stand, and gives the answer without what is its own each time. */
export function sendAsIs(url: string, sent: Sent): Promise<AnswerAsIs> {
  const { method = 'POST', path, headers = [], body, token } = sent
  const { hostname, port, host } = new URL(url)
  const given = new Set(headers.map(([name]) => name.toLowerCase()))
  const usual: [string, string][] = [['X-Request-Id', 'the-request']]
  if (!given.has('host')) usual.push(['Host', host])
  if (token !== undefined) usual.push(['Authorization', `Bearer ${token}`])
  if (body !== undefined && !given.has('transfer-encoding'))
    usual.push(['Content-Length', String(Buffer.byteLength(body))])
  if (body !== undefined && !given.has('content-type')) usual.push(['Content-Type', 'application/json'])
  const lines = [...usual, ...headers].flat()
  return new Promise((resolve, reject) => {
    const sending = request({ hostname, port, method, path, setHost: false, headers: lines })
    sending.on('error', reject)
    sending.on('response', (response) => {
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('end', () => {
        const { date: _date, ...others } = response.headers
        const text = Buffer.concat(chunks).toString('utf8')
        resolve({ status: response.statusCode, headers: others, body: text })
      })
    })
    sending.end(body)
  })
}
