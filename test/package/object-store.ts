// A store that takes signed requests as S3 does: it works out each signature by itself, as AWS describes Signature
// Version 4 with query parameters, and holds bytes in memory.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export const KEY_ID = 'AKIAOBJECTSTORETEST0'
export const SECRET_KEY = 'not/a/secret/that/anyone/uses/elsewhere+'
export const REGION = 'eu-west-1'

export interface StoredObject {
  readonly bytes: Buffer
  readonly contentType: string
}

export interface ObjectStore extends AsyncDisposable {
  /** Of the bucket. */
  readonly url: string
  readonly objects: Map<string, StoredObject>
  /** How long after the signing a request arrives, in milliseconds; undefined for as long as it took. */
  lateMs: number | undefined
  /** What all requests are answered with, where set. */
  failing: number | undefined
}

export async function startObjectStore(): Promise<ObjectStore> {
  const objects = new Map<string, StoredObject>()
  const server = createServer(async (request, response) => {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part)
    const [status, headers = {}] = answer(request, Buffer.concat(parts))
    response.writeHead(status, headers).end()
  })

  function answer(request: IncomingMessage, body: Buffer): [number, Record<string, string | number>?] {
    if (store.failing !== undefined) return [store.failing]
    const url = new URL(request.url ?? '', store.url)
    const refused = refusal(request, url, store.lateMs)
    if (refused) return [refused]
    const found = objects.get(url.pathname)
    if (request.method === 'HEAD')
      return found
        ? [200, { 'content-length': found.bytes.length, 'content-type': found.contentType }]
        : [404]
    if (request.method !== 'PUT') return [405]
    if (found && request.headers['if-none-match'] === '*') return [412]
    objects.set(url.pathname, { bytes: body, contentType: request.headers['content-type'] ?? '' })
    return [200]
  }

  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const store = {
    url: `http://127.0.0.1:${port}/photos`,
    objects,
    lateMs: undefined as number | undefined,
    failing: undefined as number | undefined,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return store
}

/** Why a request is refused: 403, or undefined where it is signed and in time. */
function refusal({ method = '', headers }: IncomingMessage, url: URL, lateMs?: number): 403 | undefined {
  const query = url.searchParams
  const [keyId = '', day = '', region = '', service = '', end = ''] = (
    query.get('X-Amz-Credential') ?? ''
  ).split('/')
  const isOurs = keyId === KEY_ID && region === REGION && service === 's3' && end === 'aws4_request'
  if (!isOurs || query.get('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') return 403

  const at = query.get('X-Amz-Date') ?? ''
  const began = Date.parse(at.replace(/^(....)(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))
  const late = lateMs ?? Date.now() - began
  if (!at.startsWith(day) || !(late < Number(query.get('X-Amz-Expires')) * 1_000)) return 403

  const names = (query.get('X-Amz-SignedHeaders') ?? '').split(';')
  if (!names.includes('host')) return 403
  const given = Buffer.from(query.get('X-Amz-Signature') ?? '', 'hex')
  query.delete('X-Amz-Signature')
  const canonical = [
    method,
    url.pathname,
    [...query]
      .map((pair) => pair.map(encode).join('='))
      .sort()
      .join('&'),
    ...names.map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    names.join(';'),
    'UNSIGNED-PAYLOAD',
  ].join('\n')
  const scope = [day, region, service, end].join('/')
  const toSign = ['AWS4-HMAC-SHA256', at, scope, createHash('sha256').update(canonical).digest('hex')]
  const key = [day, region, service, end].reduce<string | Buffer>(hmac, `AWS4${SECRET_KEY}`)
  const expected = hmac(key, toSign.join('\n'))
  return given.length === expected.length && timingSafeEqual(given, expected) ? undefined : 403
}

const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()

const encode = (text: string) =>
  encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`)
