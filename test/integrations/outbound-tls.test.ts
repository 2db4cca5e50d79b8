import { rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import { join, resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runGuarded, temporaryPath } from '../support/guarded.ts'
import { ON_SOURCES } from '../support/on-sources.ts'
import { certificateFor } from './certificate.ts'
import { openClient, startTcp } from './outside.ts'

const root = resolve(import.meta.dirname, '../..')
const unsent = { kind: 'failed', reason: 'unreachable', wasSent: false }

/** An HTTPS server with a certificate for `name.test`. */
async function startHttps() {
  const { key, cert } = certificateFor('name.test')
  const requests: string[] = []
  const server = createServer({ key, cert }, (request, response) => {
    requests.push(request.headers.host ?? '')
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"a":1}')
  })
  const upstream = await startTcp((socket) => server.emit('connection', socket))
  return { ...upstream, cert, requests }
}

/** Asks the host in a process of its own: whom Node trusts is settled when it starts. */
async function askTrusting(cert: string, target: string): Promise<unknown> {
  const directory = await temporaryPath('tls')
  try {
    const file = join(directory, 'cert.pem')
    await writeFile(file, cert)
    const script = `
      import { openClient } from './test/integrations/outside.ts'
      const target = ${JSON.stringify(target)}
      const client = openClient({ allowPrivate: [target], lookup: async () => ['127.0.0.1'] })
      process.stdout.write(JSON.stringify(await client.to('https://' + target)))
      await client.close()
    `
    const node = [...ON_SOURCES, '--input-type=module', '--eval', script]
    const env = { ...process.env, NODE_EXTRA_CA_CERTS: file }
    const { stdout } = await runGuarded(process.execPath, node, { cwd: root, env })
    return JSON.parse(stdout)
  } finally {
    await rm(directory, { recursive: true })
  }
}

describe('TLS', () => {
  it('asks for the name, and takes a certificate of that name at the address that was checked', async () => {
    await using upstream = await startHttps()
    const target = `name.test:${upstream.port}`
    expect(await askTrusting(upstream.cert, target)).toMatchObject({ kind: 'answer', body: { a: 1 } })
    expect(upstream.requests).toEqual([target])
  })

  it('refuses a certificate of another name, with nothing sent', async () => {
    await using upstream = await startHttps()
    expect(await askTrusting(upstream.cert, `other.test:${upstream.port}`)).toEqual(unsent)
    expect([upstream.connections(), upstream.requests]).toEqual([1, []])
  })

  it('refuses a certificate that nobody vouches for, with nothing sent', async () => {
    await using upstream = await startHttps()
    const target = `name.test:${upstream.port}`
    await using client = openClient({ allowPrivate: [target], lookup: async () => ['127.0.0.1'] })
    expect(await client.to(`https://${target}`)).toEqual(unsent)
    expect([upstream.connections(), upstream.requests]).toEqual([1, []])
  })
})
