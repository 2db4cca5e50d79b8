import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { Transform } from 'node:stream'
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openClient, startHttp, startTcp } from './outside.ts'
import { timedOut } from './timed-out.ts'

const json = { 'content-type': 'application/json' }
const SHORT_MS = 150

describe('a deadline', () => {
  it.each<[string, RequestListener]>([
    ['headers that never come', () => undefined],
    ['a body that never comes', (_request, response) => response.writeHead(200, json).flushHeaders()],
    ['a body that never ends', (_request, response) => response.writeHead(200, json).write('{"a":')],
    ['an error that never ends', (_request, response) => response.writeHead(500, json).write('{"a":')],
  ])('ends %s, with the request sent', async (_what, answer) => {
    await using upstream = await startHttp(answer)
    await using client = openClient({ allowPrivate: [upstream.target] })
    const response = await timedOut(
      SHORT_MS,
      () => upstream.requests.length > 0,
      () => client.to(upstream.url, { method: 'POST', body: 1, timeoutMs: SHORT_MS }),
    )
    expect(response).toEqual({ kind: 'failed', reason: 'timeout', wasSent: true })
    expect(upstream.requests).toEqual(['POST /'])
  })

  it('ends headers that trickle', async () => {
    let isAsked = false
    await using upstream = await startTcp((socket) => {
      trickle(socket, 'HTTP/1.1 200 OK\r\n', 'x-more: 1\r\n')
      socket.once('data', () => {
        isAsked = true
      })
    })
    await using client = openClient({ allowPrivate: [upstream.target] })
    const response = await timedOut(
      SHORT_MS,
      () => isAsked,
      () => client.to(upstream.url, { timeoutMs: SHORT_MS }),
    )
    expect(response).toEqual({ kind: 'failed', reason: 'timeout', wasSent: true })
  })

  it('ends a TLS handshake without an answer, with nothing sent', async () => {
    await using upstream = await startTcp(() => undefined)
    await using client = openClient({ allowPrivate: [upstream.target] })
    const response = await timedOut(
      SHORT_MS,
      () => upstream.connections() > 0,
      () => client.to(`https://${upstream.target}`, { timeoutMs: SHORT_MS }),
    )
    expect(response).toEqual({ kind: 'failed', reason: 'timeout', wasSent: false })
    expect(upstream.connections()).toBe(1)
  })

  it('ends a look-up that hangs, and what is found later is sent nothing', async () => {
    const bytes: Promise<number>[] = []
    await using upstream = await startTcp((socket) => bytes.push(countBytes(socket)))
    let find: ((addresses: readonly string[]) => void) | undefined
    const lookup = () =>
      new Promise<readonly string[]>((resolve) => {
        find = resolve
      })
    const target = `late.test:${upstream.port}`
    await using client = openClient({ allowPrivate: [target], lookup })
    const response = await timedOut(
      SHORT_MS,
      () => find !== undefined,
      () => client.to(`http://${target}`, { method: 'POST', body: 1, timeoutMs: SHORT_MS }),
    )
    expect(response).toEqual({ kind: 'failed', reason: 'timeout', wasSent: false })
    find?.(['127.0.0.1'])
    await expect.poll(() => bytes.length).toBe(1)
    expect(await bytes[0]).toBe(0)
  })

  it('of many calls ends one look-up of a name that hangs: those of the system are few at a time', async () => {
    await using upstream = await startTcp(() => undefined)
    const target = `late.test:${upstream.port}`
    const names: string[] = []
    const lookup = (name: string) => {
      names.push(name)
      return new Promise<readonly string[]>(() => undefined)
    }
    await using client = openClient({ allowPrivate: [target], lookup })
    const targets = [...Array.from({ length: 20 }, () => target), 'other.test']
    const responses = await timedOut(
      SHORT_MS,
      () => names.length === 2,
      () => Promise.all(targets.map((to) => client.to(`http://${to}`, { timeoutMs: SHORT_MS }))),
    )
    for (const response of responses)
      expect(response).toEqual({ kind: 'failed', reason: 'timeout', wasSent: false })
    expect(names.sort()).toEqual(['late.test', 'other.test'])
  })

  it('lets an answer pass that is slow but in time', async () => {
    await using upstream = await startHttp((_request, response) => {
      response.writeHead(200, json).write('{"a":')
      setTimeout(() => response.end('1}'), 50)
    })
    await using client = openClient({ allowPrivate: [upstream.target] })
    expect(await client.to(upstream.url)).toMatchObject({ kind: 'answer', body: { a: 1 } })
  })
})

describe('a connection that breaks', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n'

  it.each([
    ['before the headers', ''],
    ['in the headers', head],
    ['before the body', `${head}content-length: 9\r\n\r\n`],
    ['in the body', `${head}content-length: 9\r\n\r\n{"a":`],
    ['in a chunk', `${head}transfer-encoding: chunked\r\n\r\n5\r\n{"a"`],
    ['in headers of another protocol', 'SSH-2.0-OpenSSH_9.9\r\n'],
  ])('%s leaves the outcome open, and the request is not sent again', async (_where, text) => {
    for (const end of ['end', 'resetAndDestroy'] as const) {
      await using upstream = await startTcp((socket) => {
        socket.once('data', () => socket.write(text, () => socket[end]()))
      })
      await using client = openClient({ allowPrivate: [upstream.target] })
      const response = await client.to(upstream.url, { method: 'POST', body: { pay: 1 } })
      expect(response).toEqual({ kind: 'failed', reason: 'unreachable', wasSent: true })
      expect(upstream.connections()).toBe(1)
    }
  })

  it('while it is used again leaves the outcome open as well', async () => {
    let count = 0
    await using upstream = await startHttp((request, response) => {
      count += 1
      if (count < 6) response.writeHead(200, json).end('{}')
      else request.socket.resetAndDestroy()
    })
    await using client = openClient({ allowPrivate: [upstream.target] })
    const send = () => client.to(upstream.url, { method: 'POST', body: { pay: 1 } })
    for (let sent = 0; sent < 5; sent += 1) expect(await send()).toMatchObject({ kind: 'answer' })
    expect(await send()).toEqual({ kind: 'failed', reason: 'unreachable', wasSent: true })
    expect(upstream.requests).toHaveLength(6)
  })
})

describe('nothing was sent', () => {
  const unsent = { kind: 'failed', reason: 'unreachable', wasSent: false }

  it('where nobody listens', async () => {
    const upstream = await startTcp(() => undefined)
    await upstream[Symbol.asyncDispose]()
    await using client = openClient({ allowPrivate: [upstream.target] })
    expect(await client.to(upstream.url)).toEqual(unsent)
  })

  it('where TLS fails', async () => {
    await using upstream = await startHttp((_request, response) => response.end())
    await using client = openClient({ allowPrivate: [upstream.target] })
    expect(await client.to(`https://${upstream.target}`)).toEqual(unsent)
    expect(upstream.requests).toEqual([])
  })

  it.each<[string, () => Promise<readonly string[]>]>([
    ['is unknown', () => Promise.reject(new Error('ENOTFOUND secret.test'))],
    ['has no address', async () => []],
  ])('where the name %s', async (_what, lookup) => {
    await using client = openClient({ lookup })
    expect(await client.to('http://secret.test')).toEqual(unsent)
  })
})

/** Counts the bytes that streams make of others from now on. @returns how many there were until then */
function countUnpacked(): () => number {
  let bytes = 0
  const { push } = Transform.prototype
  vi.spyOn(Transform.prototype, 'push').mockImplementation(function (this: Transform, chunk, encoding) {
    if (chunk instanceof Uint8Array) bytes += chunk.byteLength
    return push.call(this, chunk, encoding)
  })
  onTestFinished(() => void vi.restoreAllMocks())
  return () => bytes
}

describe('a body that is too large', () => {
  const MAX_BYTES = 64 * 1024
  const tooLarge = { kind: 'failed', reason: 'too large', wasSent: true }
  const zeros = Buffer.alloc(200_000_000, '0')
  const fast = { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }

  it.each([
    ['gzip', gzipSync(zeros)],
    ['deflate', deflateSync(zeros)],
    ['br', brotliCompressSync(zeros, fast)],
  ])('when unpacked from %s is left early, in little memory', async (coding, bomb) => {
    expect(bomb.byteLength).toBeLessThan(200_000)
    await using upstream = await startHttp((_request, response) =>
      response.writeHead(200, { ...json, 'content-encoding': coding }).end(bomb),
    )
    await using client = openClient({ allowPrivate: [upstream.target] })
    const unpacked = countUnpacked()
    expect(await client.to(upstream.url, { maxBytes: MAX_BYTES })).toEqual(tooLarge)
    // What has become of it is counted, and not the memory of the process, which other things take as well.
    expect(unpacked()).toBeGreaterThan(MAX_BYTES)
    expect(unpacked()).toBeLessThan(20 * MAX_BYTES)
  })

  it('because it never ends is left, and its connection closed', async () => {
    const closed: Promise<unknown>[] = []
    await using upstream = await startTcp((socket) => {
      closed.push(closing(socket))
      trickle(socket, 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n"', 'a'.repeat(10_000))
    })
    await using client = openClient({ allowPrivate: [upstream.target] })
    expect(await client.to(upstream.url, { maxBytes: MAX_BYTES })).toEqual(tooLarge)
    await Promise.all(closed)
  })

  it('by one byte is refused, and one that fits is read', async () => {
    await using upstream = await startHttp((_request, response) =>
      response.writeHead(200, json).end('"1234"'),
    )
    await using client = openClient({ allowPrivate: [upstream.target] })
    expect(await client.to(upstream.url, { maxBytes: 5 })).toEqual(tooLarge)
    expect(await client.to(upstream.url, { maxBytes: 6 })).toMatchObject({ kind: 'answer', body: '1234' })
  })
})

/** Writes the first text at once and the other one again and again, for as long as somebody listens. */
function trickle(socket: Socket, first: string, again: string): void {
  socket.write(first)
  const timer = setInterval(() => socket.write(again), 5)
  socket.once('close', () => clearInterval(timer))
}

async function countBytes(socket: Socket): Promise<number> {
  let bytes = 0
  socket.on('data', (chunk) => {
    bytes += chunk.byteLength
  })
  await closing(socket)
  return bytes
}

function closing(socket: Socket): Promise<void> {
  return new Promise((resolve) => socket.once('close', () => resolve()))
}
