import { describe, expect, it } from 'vitest'
import { openClient, startHttp, startTcp } from './outside.ts'

const refused = { kind: 'failed', reason: 'refused address', wasSent: false }
const json = { 'content-type': 'application/json' }

describe('without leave, no connection is made', () => {
  it.each([
    '127.0.0.1',
    '2130706433',
    '0x7f000001',
    '0x7f.0.0.1',
    '0177.0.0.1',
    '017700000001',
    '127.1',
    '127.0.0.1.',
    '１２７.0.0.1',
    '0.0.0.0',
    '0',
    '10.0.0.1',
    '169.254.169.254',
    '192.168.0.1',
    '100.64.0.1',
    '[::1]',
    '[::]',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '[::127.0.0.1]',
    '[64:ff9b::127.0.0.1]',
    '[64:ff9b:1::7f00:1]',
    '[2002:7f00:1::]',
    '[fe80::1]',
    '[fd00:ec2::254]',
  ])('to %s, over http and https', async (host) => {
    await using upstream = await startTcp(() => undefined)
    await using client = openClient()
    expect(await client.to(`http://${host}:${upstream.port}/`)).toEqual(refused)
    expect(await client.to(`https://${host}:${upstream.port}/`)).toEqual(refused)
    expect(upstream.connections()).toBe(0)
  })

  it('to localhost, as the system knows it', async () => {
    await using upstream = await startTcp(() => undefined)
    await using client = openClient()
    expect(await client.to(`http://localhost:${upstream.port}`)).toEqual(refused)
    expect(upstream.connections()).toBe(0)
  })

  it.each([
    ['a private address', ['127.0.0.1']],
    ['a mapped one', ['::ffff:127.0.0.1']],
    ['a public and a private address', ['8.8.8.8', '127.0.0.1']],
    ['a private and a public address', ['127.0.0.1', '8.8.8.8']],
    ['public addresses and one through NAT64', ['8.8.8.8', '2606:4700::1111', '64:ff9b::7f00:1']],
    ['an address of a documentation', ['203.0.113.7']],
    ['something that is no address', ['127.1']],
  ])('to a name that has %s', async (_what, addresses) => {
    await using upstream = await startTcp(() => undefined)
    await using client = openClient({ lookup: async () => addresses })
    expect(await client.to(`http://upstream.test:${upstream.port}`)).toEqual(refused)
    expect(upstream.connections()).toBe(0)
  })
})

describe('leave', () => {
  it('is for one host and one port', async () => {
    await using upstream = await startHttp((_request, response) => response.writeHead(200, json).end('1'))
    await using other = await startTcp(() => undefined)
    const lookup = async () => ['127.0.0.1']
    await using client = openClient({ allowPrivate: [`Upstream.test:${upstream.port}`], lookup })
    expect(await client.to(`http://UPSTREAM.test:${upstream.port}`)).toMatchObject({ body: 1 })
    const refusals = [
      `http://upstream.test:${other.port}`,
      `http://upstream.test`,
      `http://other.test:${upstream.port}`,
      `http://upstream.test.:${upstream.port}`,
      `http://a.upstream.test:${upstream.port}`,
      `http://127.0.0.1:${upstream.port}`,
    ]
    for (const url of refusals) expect(await client.to(url)).toEqual(refused)
    expect([upstream.requests.length, other.connections()]).toEqual([1, 0])
  })

  it.each([
    ['http://leave.test/', 'leave.test:80'],
    ['https://leave.test/', 'leave.test:443'],
  ])('for %s names the port of the scheme, %s', async (url, target) => {
    // Nobody listens there: the connection is tried, or the address is refused before.
    const lookup = async () => ['127.1.2.3']
    await using client = openClient({ allowPrivate: [target], lookup })
    expect(await client.to(url)).toEqual({ kind: 'failed', reason: 'unreachable', wasSent: false })
    await using strict = openClient({ allowPrivate: [target.replace(/\d+$/, '81')], lookup })
    expect(await strict.to(url)).toEqual(refused)
  })

  it('for a literal IPv6 address has brackets', async () => {
    await using upstream = await startHttp(
      (_request, response) => response.writeHead(200, json).end('6'),
      '::1',
    )
    await using client = openClient({ allowPrivate: [`[::1]:${upstream.port}`] })
    expect(await client.to(`http://[0:0::1]:${upstream.port}`)).toMatchObject({ body: 6 })
  })
})

describe('a name', () => {
  it('is looked up once, and that answer is connected to', async () => {
    await using first = await startHttp((_request, response) => response.writeHead(200, json).end('"first"'))
    await using second = await startHttp((_request, response) => response.end(), '127.0.0.2', first.port)
    const answers = ['127.0.0.1', '127.0.0.2', '127.0.0.2']
    const asked: string[] = []
    const lookup = async (host: string) => {
      asked.push(host)
      return answers.splice(0, 1)
    }
    const target = `moving.test:${first.port}`
    await using client = openClient({ allowPrivate: [target], lookup })
    expect(await client.to(`http://${target}`)).toMatchObject({ body: 'first' })
    expect([asked, second.connections()]).toEqual([['moving.test'], 0])
  })
})

describe('a redirect', () => {
  it.each([301, 302, 303, 307, 308])(
    'with status %s to a private address is not followed',
    async (status) => {
      await using inner = await startTcp(() => undefined)
      await using upstream = await startHttp((_request, response) =>
        response.writeHead(status, { ...json, location: `${inner.url}/latest/meta-data` }).end('{}'),
      )
      await using client = openClient({ allowPrivate: [upstream.target, inner.target] })
      const response = await client.to(upstream.url, { method: 'POST', body: 1 })
      expect(response).toEqual({ kind: 'failed', reason: 'redirect', wasSent: true, status })
      expect([upstream.requests, inner.connections()]).toEqual([['POST /'], 0])
    },
  )
})
