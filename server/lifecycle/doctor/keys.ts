import { existsSync } from 'node:fs'
import { z } from 'zod'
import { type Finding, ok, problem } from '../../core/finding.ts'
import type { ServerEnv } from '../../env/environment.ts'

const PATIENCE_MS = 5_000
const keySetSchema = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) })

/** Checks that tokens can be verified: the environment has checked a key or secret, and a key set has to be fetched. */
export async function checkKeys({ auth, dataDir }: ServerEnv): Promise<Finding> {
  if (auth.kind === 'development') return checkDevelopmentKey(dataDir)
  if (auth.key.kind !== 'jwks') return ok('tokens', `of ${auth.issuer}, by the key in the environment`)
  // What it is asked with may be for no one's eyes.
  const url = `${auth.key.url.origin}${auth.key.url.pathname}`
  try {
    const response = await fetch(auth.key.url, {
      signal: AbortSignal.timeout(PATIENCE_MS),
      redirect: 'error',
    })
    if (!response.ok) return problem('tokens', `AUTH_JWKS_URL: ${url} answers ${response.status}`)
    const { keys } = keySetSchema.parse(await response.json())
    return ok('tokens', `of ${auth.issuer}, by ${keys.length} keys of ${url}`)
  } catch (error) {
    if (error instanceof z.ZodError || error instanceof SyntaxError)
      return problem('tokens', `AUTH_JWKS_URL: ${url} answers no key set: {"keys":[…]} is right`)
    const reason =
      error instanceof Error && error.cause instanceof Error ? error.cause.message : String(error)
    return problem('tokens', `AUTH_JWKS_URL: ${url} cannot be fetched from here: ${reason}`)
  }
}

async function checkDevelopmentKey(dataDir: string): Promise<Finding> {
  const { developmentKeyPath, loadDevelopmentKey } = await import('../../auth/development-key.ts')
  if (!existsSync(developmentKeyPath(dataDir)))
    return ok('tokens', `of a development key, which the first start makes in ${dataDir}`)
  try {
    await loadDevelopmentKey(dataDir)
    return ok('tokens', `of the development key in ${dataDir}: for this machine alone`)
  } catch (error) {
    return problem('tokens', error instanceof Error ? error.message : String(error))
  }
}
