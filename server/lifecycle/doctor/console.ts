import { z } from 'zod'
import { type Finding, ok, problem, warning } from '../../core/finding.ts'
import type { ServerEnv } from '../../env/environment.ts'
import { signInOrigins } from '../../http/console-sign-in.ts'

const PATIENCE_MS = 5_000
const SUBJECT = 'console'

const metadataSchema = z.object({
  issuer: z.string(),
  authorization_endpoint: z.url(),
  token_endpoint: z.url(),
  code_challenge_methods_supported: z.array(z.string()).optional(),
})

/** Checks that people can sign in to the console where the environment says so: reads how the provider describes itself. */
export async function* checkConsole({
  auth,
  consoleSignIn: signIn,
}: Pick<ServerEnv, 'auth' | 'consoleSignIn'>): AsyncGenerator<Finding, void> {
  if (!signIn) return
  const url = `${signIn.issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const metadata = await readMetadata(url)
  if ('level' in metadata) return yield metadata
  if (metadata.issuer !== signIn.issuer)
    return yield problem(
      SUBJECT,
      `CONSOLE_OIDC_ISSUER: is ${signIn.issuer}, and the provider calls itself ${metadata.issuer}: both must be the same`,
    )
  const { origin } = new URL(metadata.token_endpoint)
  if (!signInOrigins(signIn).includes(origin))
    return yield problem(
      SUBJECT,
      `CONSOLE_OIDC_TOKEN_ORIGIN: must be ${origin}, where the provider has its token endpoint`,
    )
  if (metadata.code_challenge_methods_supported?.includes('S256') === false)
    return yield problem(SUBJECT, `CONSOLE_OIDC_ISSUER: ${signIn.issuer} does not take PKCE with S256`)
  if (auth.issuer !== signIn.issuer)
    yield warning(
      SUBJECT,
      `tokens must be of ${auth.issuer} (AUTH_JWT_ISSUER), and the sign-in is at ${signIn.issuer}: right only where its access tokens name the first`,
    )
  yield ok(SUBJECT, `people sign in at ${signIn.issuer}, as its client ${signIn.clientId}`)
}

async function readMetadata(url: string): Promise<z.output<typeof metadataSchema> | Finding> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PATIENCE_MS), redirect: 'error' })
    if (!response.ok) return problem(SUBJECT, `CONSOLE_OIDC_ISSUER: ${url} answers ${response.status}`)
    return metadataSchema.parse(await response.json())
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return problem(SUBJECT, `CONSOLE_OIDC_ISSUER: ${url} does not describe an OpenID provider`)
    const reason =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    return problem(SUBJECT, `CONSOLE_OIDC_ISSUER: ${url} cannot be fetched from here: ${reason}`)
  }
}
