import { expect, it } from 'vitest'
import { z } from 'zod'
import { DefinitionError } from '../../server/core/errors.ts'
import { type EndpointDeclaration, endpoint } from '../../server/integrations/declarations.ts'
import { configured } from './configured.ts'

// limits.md: integration-timeout, integration-retries

const input = z.strictObject({ q: z.string() })
const base: EndpointDeclaration = { method: 'POST', path: '/x', input, price: 1 }

/** Declares one integration, so far as the compiler can be talked into it. */
function declare(part: object, direct: object = {}, change: object = {}, name = 'shop') {
  const endpoints = { ask: { ...base, ...change } }
  const declaration = {
    billing: 'developer',
    clients: 'none',
    direct: { baseUrl: { env: 'SHOP_BASE_URL' }, endpoints, ...direct },
    ...part,
  }
  return () => configured({ declarations: { [name]: declaration } as never })
}

it('a declaration of every part is taken', () => {
  const secret = { env: 'SHOP_KEY', as: 'header', name: 'X-Api-Key' }
  const change = {
    retries: 5,
    idempotencyHeader: 'Idempotency-Key',
    timeoutMs: 110_000,
    path: '/v1/a-b/c.d_e~f',
  }
  expect(declare({}, { secret }, change)).not.toThrow()
  expect(declare({}, { secret: { ...secret, name: 'Authorization' } }, { price: 9e15 })).not.toThrow()
})

it.each([
  ['a name in another case', declare({}, {}, {}, 'Shop'), 'must be named of'],
  ['a name of more segments', declare({}, {}, {}, 'shop/x'), 'must be named of'],
  ['no billing', declare({ billing: undefined }), 'billing must be'],
  ['no clients', declare({ clients: undefined }), 'it has no default'],
  ['an anonymous payer', declare({ billing: 'user', clients: 'anyone' }), 'an anonymous caller cannot pay'],
  ['a base URL in place of a variable', declare({}, { baseUrl: { env: 'http://a.example' } }), 'variable'],
  ['no endpoints', declare({}, { endpoints: {} }), 'at least one endpoint'],
  ['an endpoint no call can name', declare({}, { endpoints: { Ask: endpoint(base) } }), 'must be named of'],
  ['a path that climbs', declare({}, {}, { path: '/../x' }), 'constant segments'],
  ['a path with an encoded slash', declare({}, {}, { path: '/a%2fb' }), 'constant segments'],
  ['a path with a query', declare({}, {}, { path: '/x?key=1' }), 'constant segments'],
  ['a path to another host', declare({}, {}, { path: '//evil.example' }), 'constant segments'],
  ['an input that drops keys', declare({}, {}, { input: z.object({}) }), 'z.strictObject'],
  ['a GET with a body', declare({}, {}, { method: 'GET', body: () => 1 }), 'no body'],
  ['a negative price', declare({}, {}, { price: -1 }), 'the price must be'],
  ['a fraction', declare({}, {}, { price: 0.5 }), 'the price must be'],
  ['a huge price', declare({}, {}, { price: 9e15 + 2 }), 'the price must be'],
  ['NaN', declare({}, {}, { price: Number.NaN }), 'the price must be'],
  ['no price', declare({}, {}, { price: undefined }), 'the price must be'],
  ['a charge without a reserve', declare({}, {}, { price: { charge: () => 1 } }), 'the price must be'],
  ['retries of a POST', declare({}, {}, { retries: 1 }), 'name its idempotencyHeader'],
  ['retries without end', declare({}, {}, { method: 'GET', retries: 6 }), 'retries must be'],
  ['no time', declare({}, {}, { timeoutMs: 0 }), 'timeoutMs must be'],
  ['time without end', declare({}, {}, { timeoutMs: 110_001 }), 'timeoutMs must be'],
  ...['host', 'Content-Length', 'transfer-encoding', 'Cookie', 'x y', 'a:b', ''].flatMap(
    (name): [string, () => unknown, string][] => [
      [`a secret in "${name}"`, declare({}, { secret: { env: 'K', as: 'header', name } }), 'the header'],
      [`a key in "${name}"`, declare({}, {}, { idempotencyHeader: name }), 'the header'],
    ],
  ),
  ['a key in place of the secret', declare({}, {}, { idempotencyHeader: 'authorization' }), 'authorization'],
  ['a user with a colon', declare({}, { secret: { env: 'K', as: 'basic', user: 'a:b' } }), 'without colon'],
] as [string, () => unknown, string][])('%s is refused at start', (_what, declaring, message) => {
  expect(declaring).toThrow(DefinitionError)
  expect(declaring).toThrow(message)
})

it('a base URL that holds a secret is refused, without its text', () => {
  const declarations = {
    shop: {
      billing: 'developer',
      clients: 'none',
      direct: { baseUrl: { env: 'SHOP_URL' }, endpoints: { ask: base } },
    },
  } as const
  for (const text of [
    'http://user:hidden@a.example',
    'https://a.example/?key=hidden',
    'ftp://hidden',
    'hidden',
  ])
    try {
      configured({ declarations, env: { SHOP_URL: text } })
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(DefinitionError)
      expect(String(error)).toContain('SHOP_URL: must be')
      expect(String(error)).not.toContain('hidden')
    }
})
