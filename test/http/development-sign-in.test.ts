import { describe, expect, it } from 'vitest'
import { signInProblem } from '../../server/http/development-sign-in.ts'

interface Asking {
  readonly peer?: string | undefined
  readonly headers?: Readonly<Record<string, string | undefined>>
}

/** What the console sends; each case changes some of it. */
function problemOf({ peer, headers = {} }: Asking & { readonly peer: string | undefined }) {
  const sent: Readonly<Record<string, string | undefined>> = {
    host: '127.0.0.1:3000',
    origin: 'http://127.0.0.1:3000',
    'deputy-console': 'sign-in',
    ...headers,
  }
  return signInProblem({ peer, header: (name) => sent[name] })
}
const HERE = '127.0.0.1'
const at = (host: string) => ({ host, origin: `http://${host}` })

describe('a token of the development key is given', () => {
  it.each([
    [HERE, {}],
    ['::1', {}],
    ['::ffff:127.0.0.1', {}],
    ['127.8.9.1', {}],
    [HERE, at('[::1]:3000')],
    [HERE, at('127.0.0.1')],
    [HERE, at('127.1.2.3:80')],
    [HERE, { 'sec-fetch-site': 'same-origin' }],
  ])('to %s with %j', (peer, headers) => {
    expect(problemOf({ peer, headers })).toBeUndefined()
  })
})

describe('none is given', () => {
  it.each([
    undefined,
    '',
    '10.0.0.1',
    '192.168.0.7',
    '::2',
    'fe80::1%eth0',
    '::ffff:10.0.0.1',
    '0.0.0.0',
    '128.0.0.1',
  ])('to another machine: %s', (peer) =>
    expect(problemOf({ peer })).toMatch(/on the machine of the server alone/),
  )

  it.each([
    'localhost:3000',
    'localhost',
    'evil.example',
    'evil.example:3000',
    '127.0.0.1.evil.example:3000',
    '127.0.0.1.nip.io',
    '127.0.0.1:3000@evil.example',
    '10.0.0.1:3000',
    '0.0.0.0:3000',
    '[::]:3000',
    '[::ffff:127.0.0.1]:3000',
    '2130706433',
    '127.1',
    '',
    undefined,
  ])('under a name that may lead elsewhere: %s', (host) => {
    expect(problemOf({ peer: HERE, headers: { host, origin: `http://${host}` } })).toMatch(
      /by an address of this machine/,
    )
  })

  it.each([
    undefined,
    'null',
    '',
    'https://127.0.0.1:3000',
    'http://127.0.0.1',
    'http://127.0.0.1:3001',
    'http://127.0.0.2:3000',
    'http://localhost:3000',
    'http://127.0.0.1:3000/',
    'http://127.0.0.1:3000, http://evil.example',
    'https://evil.example',
  ])('to a page of another origin: %s', (origin) => {
    expect(problemOf({ peer: HERE, headers: { origin } })).toMatch(/Only the console of this server/)
  })

  it.each(['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-real-ip', 'via'])(
    'through a proxy: %s',
    (name) => {
      expect(problemOf({ peer: HERE, headers: { [name]: '127.0.0.1' } })).toMatch(/not given through a proxy/)
    },
  )

  it.each([undefined, '', 'true', 'sign-in, sign-in'])('without the header of its own: %s', (value) => {
    expect(problemOf({ peer: HERE, headers: { 'deputy-console': value } })).toMatch(/must be sign-in/)
  })

  it.each(['cross-site', 'same-site', 'none'])('where a browser says %s', (site) => {
    expect(problemOf({ peer: HERE, headers: { 'sec-fetch-site': site } })).toMatch(
      /Only the console of this server/,
    )
  })
})
