import { request } from 'node:http'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listenForOperators, type MetricsListener } from '../../server/metrics/metrics-listener.ts'

let listener: MetricsListener
let written = 0
beforeAll(async () => {
  const write = () => {
    written += 1
    return 'deputy_calls_total 1\n'
  }
  const broken = () => Promise.reject(new Error('secret detail'))
  listener = await listenForOperators({
    host: '127.0.0.1',
    port: 0,
    pages: new Map([
      ['/metrics', { contentType: 'text/plain; version=0.0.4', write }],
      ['/broken', { contentType: 'text/plain', write: broken }],
    ]),
    log: pino({ level: 'silent' }),
  })
})
afterAll(() => listener.close())

/** As `fetch` does it, which sends no `Host` of a caller's own. */
function ask(path: string, { method = 'GET', host }: { method?: string; host?: string } = {}) {
  return new Promise<{ status: number; text: string; allow: string | undefined }>((resolve, reject) => {
    const sent = request(`${listener.url}${path}`, { method, headers: host === undefined ? {} : { host } })
    sent.on('error', reject).on('response', (answer) => {
      let text = ''
      answer.on('data', (part) => {
        text += String(part)
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text, allow: answer.headers.allow }))
    })
    sent.end()
  })
}

describe('the listener for operators', () => {
  it('serves its pages, whatever their query says', async () => {
    expect(await ask('/metrics')).toMatchObject({ status: 200, text: 'deputy_calls_total 1\n' })
    expect(await ask('/metrics?name[]=x')).toMatchObject({ status: 200 })
    expect(await ask('/metrics', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
  })

  it.each(['/', '/metrics/', '/Metrics', '/__proto__', '/api/actions/x', '//metrics'])(
    'has nothing at %s',
    async (path) => {
      expect((await ask(path)).status).toBe(404)
    },
  )

  it('takes nothing that writes', async () => {
    expect(await ask('/metrics', { method: 'POST' })).toMatchObject({ status: 405, allow: 'GET, HEAD' })
  })

  it.each(['evil.example', 'evil.example:9464', 'localhost.evil.example', '127.0.0.1.evil.example'])(
    'refuses what comes by the name %s, as a page in a browser would',
    async (host) => {
      const before = written
      expect((await ask('/metrics', { host })).status).toBe(403)
      expect(written).toBe(before)
    },
  )

  it.each(['localhost:9464', '127.0.0.1', '[::1]:9464'])('knows the machine as %s', async (host) => {
    expect((await ask('/metrics', { host })).status).toBe(200)
  })

  it('tells nothing of what keeps a page from being written', async () => {
    const answer = await ask('/broken')
    expect(answer.status).toBe(500)
    expect(answer.text).not.toContain('secret')
  })
})
