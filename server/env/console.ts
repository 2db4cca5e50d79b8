import { z } from 'zod'
import { NO_AUDIENCE } from '../auth/claims.ts'
import { type ConsoleSignIn, SIGN_IN_TOKENS } from '../http/console-sign-in.ts'

const ADDRESS = 'without user, query and fragment; http is for 127.0.0.1 and localhost alone'
const ISSUER_RULE = `must be the address of an OpenID provider as it is in the "iss" of its tokens, such as https://id.example.com, ${ADDRESS}`
const ORIGIN_RULE = `must be the origin of the provider's token endpoint, such as https://tokens.example.com, ${ADDRESS}, and without a path`

/** What the server's environment says of the console. */
export const consoleShape = {
  CONSOLE: z.enum(['on', 'off'], 'must be on or off: whether there is a console at /console').optional(),
  CONSOLE_OIDC_ISSUER: z.string().refine(isAddress, ISSUER_RULE).optional(),
  CONSOLE_OIDC_CLIENT_ID: z
    .string()
    .regex(/^[\x21-\x7e]+$/, 'must be the id that the provider has for the console, without spaces')
    .optional(),
  CONSOLE_OIDC_SCOPE: z
    .string()
    .refine(
      (text) => /^[\x21-\x7e]+(?: [\x21-\x7e]+)*$/.test(text) && text.split(' ').includes('openid'),
      'must be scopes with one space between them, openid among them',
    )
    .optional(),
  CONSOLE_OIDC_TOKEN: z
    .enum(
      SIGN_IN_TOKENS,
      `must be ${SIGN_IN_TOKENS.join(' or ')}: which of the provider's tokens calls are made with`,
    )
    .optional(),
  CONSOLE_OIDC_AUDIENCE: z.string().optional(),
  CONSOLE_OIDC_RESOURCE: z
    .string()
    .refine(
      (text) => URL.canParse(text) && !text.includes('#'),
      'must be a URI without fragment, such as https://api.example.com',
    )
    .optional(),
  CONSOLE_OIDC_TOKEN_ORIGIN: z
    .string()
    .refine((text) => isAddress(text) && new URL(text).origin === text, ORIGIN_RULE)
    .optional(),
}

/** What the environment says of the console and of how tokens are verified. */
type ConsoleEnv = z.output<z.ZodObject<typeof consoleShape>> & {
  readonly AUTH_JWT_ISSUER?: string | undefined
  readonly AUTH_JWT_AUDIENCE?: readonly string[] | undefined
  readonly AUTH_AUTHORIZED_PARTIES?: readonly string[] | undefined
}

const REQUIRED = ['CONSOLE_OIDC_ISSUER', 'CONSOLE_OIDC_CLIENT_ID'] as const
const NAMES = [
  ...REQUIRED,
  'CONSOLE_OIDC_SCOPE',
  'CONSOLE_OIDC_TOKEN',
  'CONSOLE_OIDC_AUDIENCE',
  'CONSOLE_OIDC_RESOURCE',
  'CONSOLE_OIDC_TOKEN_ORIGIN',
] as const

/** Reads how people sign in to the console; undefined where they have to have a token. */
export function readConsoleSignIn(env: ConsoleEnv, problems: string[]): ConsoleSignIn | undefined {
  const given = NAMES.find((name) => env[name] !== undefined)
  if (given === undefined) return undefined
  const { CONSOLE_OIDC_ISSUER: issuer, CONSOLE_OIDC_CLIENT_ID: clientId } = env
  if (issuer === undefined || clientId === undefined) {
    const lacking = REQUIRED.filter((name) => env[name] === undefined)
    problems.push(...lacking.map((name) => `${name}: is required with ${given}`))
    return undefined
  }
  const signIn: ConsoleSignIn = {
    issuer,
    clientId,
    scope: env.CONSOLE_OIDC_SCOPE ?? 'openid',
    token: env.CONSOLE_OIDC_TOKEN ?? 'access',
    audience: env.CONSOLE_OIDC_AUDIENCE,
    resource: env.CONSOLE_OIDC_RESOURCE,
    tokenOrigin: env.CONSOLE_OIDC_TOKEN_ORIGIN,
  }
  problems.push(...fruitlessSettings(env, signIn))
  return signIn
}

/** Why no one could sign in so: there is no console, or the server would refuse every token that the provider gives it. */
function fruitlessSettings(env: ConsoleEnv, { issuer, clientId, token, audience }: ConsoleSignIn): string[] {
  const { AUTH_JWT_ISSUER: tokenIssuer, AUTH_JWT_AUDIENCE: audiences, AUTH_AUTHORIZED_PARTIES: parties } = env
  // Without them that is what is wrong, and is said.
  if (tokenIssuer === undefined || audiences === undefined) return []
  const problems: string[] = []
  if (env.CONSOLE === undefined)
    problems.push(
      'CONSOLE: must be on with CONSOLE_OIDC_ISSUER, or off where there is to be no console for now',
    )
  const withoutSlash = (text: string) => text.replace(/\/$/, '')
  if (issuer !== tokenIssuer && withoutSlash(issuer) === withoutSlash(tokenIssuer))
    problems.push(
      'CONSOLE_OIDC_ISSUER: differs from AUTH_JWT_ISSUER by the slash at its end; both are the exact "iss" of the tokens',
    )
  else if (issuer !== tokenIssuer && token === 'id')
    problems.push(
      'CONSOLE_OIDC_ISSUER: must be what AUTH_JWT_ISSUER is with CONSOLE_OIDC_TOKEN=id: ID tokens of another issuer are refused',
    )
  if (token === 'id' && !audiences.includes(clientId))
    problems.push(
      'CONSOLE_OIDC_TOKEN: ID tokens are made for their client, so with id AUTH_JWT_AUDIENCE must name what CONSOLE_OIDC_CLIENT_ID is',
    )
  if (token === 'access' && audience !== undefined && !audiences.includes(audience))
    problems.push(
      audiences.includes(NO_AUDIENCE)
        ? `CONSOLE_OIDC_AUDIENCE: is set, and with AUTH_JWT_AUDIENCE=${NO_AUDIENCE} tokens that have an audience are refused`
        : 'CONSOLE_OIDC_AUDIENCE: must be one of AUTH_JWT_AUDIENCE, since tokens for anything else are refused',
    )
  if (parties && !parties.includes(clientId))
    problems.push(
      'AUTH_AUTHORIZED_PARTIES: must name what CONSOLE_OIDC_CLIENT_ID is, since the tokens of other clients are refused',
    )
  return problems
}

/** An https address without what an issuer's has not (OpenID Connect Discovery 1.0, 3); http on this machine alone. */
function isAddress(text: string): boolean {
  if (!URL.canParse(text) || /[?#\s]/.test(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  // A policy of a page can name no other hosts.
  if (username !== '' || password !== '' || !/^[a-z\d.-]+$/.test(hostname)) return false
  return (
    protocol === 'https:' || (protocol === 'http:' && /^(?:localhost|127(?:\.\d{1,3}){3})$/.test(hostname))
  )
}
