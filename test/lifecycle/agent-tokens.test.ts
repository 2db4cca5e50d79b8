import { SignJWT } from 'jose'
import { afterAll, expect, test, vi } from 'vitest'
import { RawClient } from '../mcp/raw-client.ts'
import { dataDirectory } from '../support/data-directory.ts'
import { startServer } from './process.ts'

// The first start on a directory makes its database, which takes far longer than the next ones.
vi.setConfig({ testTimeout: 120_000 })
const directory = await dataDirectory()
afterAll(() => directory[Symbol.asyncDispose]())

const SECRET = 'a secret of this test that is long enough'
const ISSUER = 'https://issuer.test'
const MCP_URL = 'https://api.example.com/mcp'

const token = (aud: string | string[]) =>
  new SignJWT({ iss: ISSUER, aud, sub: 'ada' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(new TextEncoder().encode(SECRET))

test('with MCP_URL a token of an agent is good at /mcp alone, and no other token is good there', async () => {
  await using server = await startServer({
    DATA_DIR: directory.path,
    AUTH_JWT_SECRET: SECRET,
    AUTH_JWT_ISSUER: ISSUER,
    AUTH_JWT_AUDIENCE: 'app',
    MCP_URL,
  })
  const statuses = async (aud: string | string[]) => {
    const signed = await token(aud)
    const ping = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' })
    const rest = await fetch(`${server.url}/api/users/me`, { headers: { authorization: `Bearer ${signed}` } })
    return { mcp: (await new RawClient(server.url, signed).send(ping)).status, rest: rest.status }
  }
  expect(await statuses(MCP_URL)).toEqual({ mcp: 200, rest: 401 })
  expect(await statuses('app')).toEqual({ mcp: 401, rest: 200 })
  expect(await statuses('other')).toEqual({ mcp: 401, rest: 401 })
  expect(await statuses([MCP_URL, 'app'])).toEqual({ mcp: 200, rest: 200 })
  const metadata = await fetch(`${server.url}/.well-known/oauth-protected-resource/mcp`)
  expect(await metadata.json()).toEqual({
    resource: MCP_URL,
    authorization_servers: [ISSUER],
    bearer_methods_supported: ['header'],
  })
})
