// Signs a person in by the authorization code flow with PKCE, as a public client (RFC 6749, 4.1; RFC 7636; RFC 9700). It
// is loaded when someone signs in so.
import * as oauth from 'oauth4webapi'
import type { ConsoleSignIn } from '../../../server/http/console-sign-in.ts'
import { RETURN_PATH } from './provider.ts'
import type { BegunSignIn, Returned } from './returning.ts'

const PATIENCE_MS = 15_000

/** A sign-in that came to nothing; the message is for the person who signs in. */
export class SignInFailure extends Error {
  override readonly name = 'SignInFailure'
}

/** Prepares a sign-in: where to send the person, and what to keep until they are back. @throws {SignInFailure} */
export async function beginSignIn(
  signIn: ConsoleSignIn,
  prompt?: 'login',
): Promise<{ readonly address: string; readonly begun: BegunSignIn }> {
  if (!isSecureContext)
    throw new SignInFailure(
      'A sign-in needs https: open the console at an address that begins with https://.',
    )
  const server = await discover(signIn)
  const begun = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    codeVerifier: oauth.generateRandomCodeVerifier(),
  }
  const address = endpointOf(signIn, server, 'authorization_endpoint')
  const parameters = {
    response_type: 'code',
    client_id: signIn.clientId,
    redirect_uri: redirectUri(),
    scope: signIn.scope,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(begun.codeVerifier),
    code_challenge_method: 'S256',
    audience: signIn.audience,
    resource: signIn.resource,
    prompt,
  }
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined) address.searchParams.set(name, value)
  return { address: address.href, begun }
}

/** Exchanges what the provider has sent the person back with for the token that calls are made with. @throws {SignInFailure} */
export async function finishSignIn(signIn: ConsoleSignIn, { parameters, begun }: Returned): Promise<string> {
  if (!begun)
    throw new SignInFailure('This sign-in was not begun in this tab, or is over already: sign in here.')
  const server = await discover(signIn)
  const client = { client_id: signIn.clientId }
  const checked = checkReturn(server, client, parameters, begun.state)
  const response = await reach(endpointOf(signIn, server, 'token_endpoint').origin, () =>
    oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      checked,
      redirectUri(),
      begun.codeVerifier,
      {
        ...requestOptions(signIn),
        ...(signIn.resource !== undefined && { additionalParameters: { resource: signIn.resource } }),
      },
    ),
  )
  try {
    const { access_token, id_token } = await oauth.processAuthorizationCodeResponse(
      server,
      client,
      response,
      {
        expectedNonce: begun.nonce,
        requireIdToken: true,
      },
    )
    return signIn.token === 'id' ? (id_token ?? '') : jwtOf(access_token)
  } catch (error) {
    throw tokenFailure(error)
  }
}

function redirectUri(): string {
  return `${location.origin}${RETURN_PATH}`
}

function requestOptions({ issuer }: ConsoleSignIn) {
  // The server takes an issuer by http at a loopback address alone.
  const isInsecure = issuer.startsWith('http:')
  return { signal: () => AbortSignal.timeout(PATIENCE_MS), [oauth.allowInsecureRequests]: isInsecure }
}

/** Reads how the provider describes itself (OpenID Connect Discovery 1.0, 4). */
async function discover(signIn: ConsoleSignIn): Promise<oauth.AuthorizationServer> {
  const issuer = new URL(signIn.issuer)
  const response = await reach(issuer.origin, () => oauth.discoveryRequest(issuer, requestOptions(signIn)))
  const server = await oauth.processDiscoveryResponse(issuer, response).catch((cause: unknown) => {
    throw new SignInFailure(
      `${response.url || signIn.issuer} does not describe an OpenID provider that is ${signIn.issuer}: CONSOLE_OIDC_ISSUER must be what is its "issuer".`,
      { cause },
    )
  })
  if (server.issuer !== signIn.issuer)
    throw new SignInFailure(
      `The provider calls itself ${server.issuer}, and CONSOLE_OIDC_ISSUER is ${signIn.issuer}: both must be the same, a slash at the end included.`,
    )
  if (server.code_challenge_methods_supported?.includes('S256') === false)
    throw new SignInFailure(
      `${signIn.issuer} does not take PKCE with S256, without which no one signs in here.`,
    )
  const { origin } = endpointOf(signIn, server, 'token_endpoint')
  if (origin !== issuer.origin && origin !== signIn.tokenOrigin)
    throw new SignInFailure(
      `${signIn.issuer} gives its tokens at ${origin}, which this page may not call: CONSOLE_OIDC_TOKEN_ORIGIN=${origin} lets it.`,
    )
  return server
}

/** An endpoint of the provider: by https, or by http where the provider itself is. */
function endpointOf(
  { issuer }: ConsoleSignIn,
  server: oauth.AuthorizationServer,
  name: 'authorization_endpoint' | 'token_endpoint',
): URL {
  const text = server[name]
  const url = text !== undefined && URL.canParse(text) ? new URL(text) : undefined
  if (url && (url.protocol === 'https:' || (url.protocol === 'http:' && issuer.startsWith('http:'))))
    return url
  throw new SignInFailure(`${issuer} says no ${name} that begins with https://.`)
}

async function reach(origin: string, send: () => Promise<Response>): Promise<Response> {
  try {
    return await send()
  } catch (cause) {
    if (cause instanceof oauth.OperationProcessingError) throw tokenFailure(cause)
    throw new SignInFailure(
      `${origin} does not answer this page. Either it cannot be reached from here, or it does not know ${location.origin} as an origin that may call it (CORS).`,
      { cause },
    )
  }
}

/** Checks state and issuer (RFC 9207) before anything that the address says is believed or shown. */
function checkReturn(
  server: oauth.AuthorizationServer,
  client: oauth.Client,
  parameters: URLSearchParams,
  state: string,
): URLSearchParams {
  try {
    return oauth.validateAuthResponse(server, client, parameters, state)
  } catch (cause) {
    if (cause instanceof oauth.AuthorizationResponseError)
      throw new SignInFailure(refusalOf(cause), { cause })
    const issuer = parameters.get('iss')
    throw new SignInFailure(
      parameters.get('state') !== state
        ? 'The answer belongs to another sign-in than the one begun here (state): sign in again.'
        : issuer !== server.issuer
          ? `The answer comes from ${issuer ?? 'a provider that does not say who it is'}, and the sign-in was begun at ${server.issuer}: sign in again.`
          : 'The provider has sent an answer that cannot be read: sign in again.',
      { cause },
    )
  }
}

function refusalOf({ error, error_description: description }: oauth.AuthorizationResponseError): string {
  if (error === 'access_denied')
    return `The sign-in was cancelled, or the provider refuses this account${description ? `: ${description}` : '.'}`
  return `The provider refuses the sign-in (${error})${description ? `: ${description}` : '.'}`
}

function jwtOf(token: string): string {
  if (token.split('.').length === 3) return token
  throw new SignInFailure(
    'The provider gives an access token that is no JWT, which the server cannot verify. CONSOLE_OIDC_AUDIENCE or CONSOLE_OIDC_RESOURCE says what it is to be for; with CONSOLE_OIDC_TOKEN=id the ID token is sent in its place.',
  )
}

function tokenFailure(cause: unknown): Error {
  if (cause instanceof SignInFailure) return cause
  if (cause instanceof oauth.ResponseBodyError)
    return new SignInFailure(
      `The provider gives no token (${cause.error})${cause.error_description ? `: ${cause.error_description}` : '.'}`,
      { cause },
    )
  if (!(cause instanceof oauth.OperationProcessingError))
    return new SignInFailure('The provider gives no token that can be read.', { cause })
  if (cause.code === oauth.JWT_TIMESTAMP_CHECK)
    return new SignInFailure(
      `The times in the provider's token are not now: this machine says that it is ${new Date().toISOString()}. Set its clock right, and sign in again.`,
      { cause },
    )
  return new SignInFailure(`The provider's answer is not right (${cause.message}): sign in again.`, { cause })
}
