import { createHash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

/** What the provider does otherwise than a good one: each is what it sends in place of what would be right. */
export interface Misdeeds {
  /** Parameters that it sends the person back with; undefined leaves one out. */
  readonly back?: Readonly<Record<string, string | undefined>>
  readonly metadata?: Readonly<Record<string, unknown>>
  readonly idToken?: JWTPayload
  readonly accessToken?: JWTPayload | 'opaque'
  /** Whether its page stays, in place of sending the person back at once. */
  readonly isStaying?: boolean
  /** Of the token endpoint. */
  readonly refusal?: Readonly<Record<string, string>>
}

export interface OpenIdProvider extends AsyncDisposable {
  readonly issuer: string
  /** Another origin where it answers as well. */
  readonly elsewhere: string
  readonly jwksUrl: URL
  /** Who has an account there and is signed in. */
  user: string
  misdeeds: Misdeeds
  /** What people were sent there with. */
  readonly asked: URLSearchParams[]
  /** What codes were exchanged with. */
  readonly exchanged: URLSearchParams[]
  /** The codes and tokens that it has given. */
  readonly secrets: string[]
  /** Answers no more, until it is called again. */
  hang(isHanging: boolean): void
}

interface Grant {
  readonly user: string
  readonly asked: URLSearchParams
}

export const CLIENT_ID = 'console-client'

/** Starts an OpenID provider for public clients with PKCE, whose people are signed in and agree to everything. */
export async function startOpenIdProvider(): Promise<OpenIdProvider> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const keys = [{ ...(await exportJWK(publicKey)), alg: 'RS256', kid: 'one', use: 'sig' }]
  const grants = new Map<string, Grant>()
  let isHanging = false
  const servers = [1, 2].map(() =>
    createServer((request, response) => {
      if (isHanging) request.socket.destroy()
      else void answer(request, response)
    }),
  )
  const [issuer = '', elsewhere = ''] = await Promise.all(servers.map(listen))
  const provider: OpenIdProvider = {
    issuer,
    elsewhere,
    jwksUrl: new URL('/jwks', issuer),
    user: 'owner',
    misdeeds: {},
    asked: [],
    exchanged: [],
    secrets: [],
    hang(hanging) {
      isHanging = hanging
    },
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
    },
  }
  return provider

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', issuer)
    switch (`${request.method} ${url.pathname}`) {
      case 'GET /.well-known/openid-configuration':
        return sendJson(response, 200, {
          issuer,
          authorization_endpoint: `${issuer}/authorize`,
          token_endpoint: `${issuer}/token`,
          jwks_uri: `${issuer}/jwks`,
          response_types_supported: ['code'],
          id_token_signing_alg_values_supported: ['RS256'],
          code_challenge_methods_supported: ['S256'],
          authorization_response_iss_parameter_supported: true,
          ...provider.misdeeds.metadata,
        })
      case 'GET /jwks':
        return sendJson(response, 200, { keys })
      case 'GET /authorize':
        return authorize(url.searchParams, response)
      case 'POST /token':
        return exchange(new URLSearchParams(await text(request)), response)
      default:
        return sendJson(response, 404, {})
    }
  }

  function authorize(asked: URLSearchParams, response: ServerResponse): void {
    provider.asked.push(asked)
    if (provider.misdeeds.isStaying) {
      response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Who are you?</h1>')
      return
    }
    const code = randomUUID()
    provider.secrets.push(code)
    grants.set(code, { user: provider.user, asked })
    const back = new URL(asked.get('redirect_uri') ?? '')
    const parameters = { code, state: asked.get('state') ?? '', iss: issuer, ...provider.misdeeds.back }
    for (const [name, value] of Object.entries(parameters))
      if (value !== undefined) back.searchParams.set(name, value)
    response.writeHead(302, { location: back.href }).end()
  }

  async function exchange(given: URLSearchParams, response: ServerResponse): Promise<void> {
    provider.exchanged.push(given)
    const grant = grants.get(given.get('code') ?? '')
    grants.delete(given.get('code') ?? '')
    const challenge = createHash('sha256')
      .update(given.get('code_verifier') ?? '')
      .digest('base64url')
    const isRight =
      grant !== undefined &&
      grant.asked.get('code_challenge_method') === 'S256' &&
      grant.asked.get('code_challenge') === challenge &&
      ['client_id', 'redirect_uri'].every((name) => grant.asked.get(name) === given.get(name)) &&
      grant.asked.get('client_id') === CLIENT_ID &&
      given.get('grant_type') === 'authorization_code'
    const { refusal, idToken, accessToken } = provider.misdeeds
    if (!isRight || refusal) return sendJson(response, 400, refusal ?? { error: 'invalid_grant' })
    const { user, asked } = grant
    const id = await sign({ sub: user, aud: CLIENT_ID, nonce: asked.get('nonce') ?? '', ...idToken })
    const access =
      accessToken === 'opaque'
        ? randomUUID()
        : await sign({ sub: user, aud: asked.get('audience') ?? '', azp: CLIENT_ID, ...accessToken })
    provider.secrets.push(id, access)
    sendJson(response, 200, { token_type: 'Bearer', expires_in: 3_600, access_token: access, id_token: id })
  }

  function sign(claims: JWTPayload): Promise<string> {
    const now = Math.floor(Date.now() / 1_000)
    return new SignJWT({ iss: issuer, iat: now, exp: now + 3_600, ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .sign(privateKey)
  }
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' })
    .end(JSON.stringify(body))
}
