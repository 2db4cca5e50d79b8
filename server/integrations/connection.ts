import { DefinitionError } from '../core/errors.ts'
import type { DirectDeclaration, IntegrationDeclarations, SecretDeclaration } from './declarations.ts'
import { MIN_SECRET_CHARACTERS } from './redact-secrets.ts'

/** Looks up a variable; undefined when it is not set. */
export type EnvLookup = (name: string) => string | undefined

/** The address and the credential of a provider. */
export interface Connection {
  readonly baseUrl: URL
  /** The headers, with the credential. */
  readonly headers: Readonly<Record<string, string>>
  /** The texts in the headers that must appear nowhere else. */
  readonly secrets: readonly string[]
}

/** The variables that declarations read, each once. */
export interface IntegrationEnvNames {
  readonly urls: readonly string[]
  readonly secrets: readonly string[]
}

export function integrationEnv(declarations: IntegrationDeclarations): IntegrationEnvNames {
  const direct = Object.values(declarations).flatMap((declaration) => declaration.direct ?? [])
  return {
    urls: [...new Set(direct.map(({ baseUrl }) => baseUrl.env))],
    secrets: [...new Set(direct.flatMap(({ secret }) => secret?.env ?? []))],
  }
}

export const SECRET_LENGTH_RULE = `must have at least ${MIN_SECRET_CHARACTERS} characters: a shorter secret cannot be told apart from other text in what a provider answers, and is not taken out of it`

/** Lists the variables whose secrets are too short to be redacted in answers. */
export function shortSecrets({ secrets }: IntegrationEnvNames, env: EnvLookup): readonly string[] {
  return secrets.filter(
    (name) => (env(name) ?? '').length < MIN_SECRET_CHARACTERS && (env(name) ?? '') !== '',
  )
}

/** Lists the variables that are missing for a connection to the provider. */
export function missingVariables({ baseUrl, secret }: DirectDeclaration, env: EnvLookup): readonly string[] {
  const needed = [...(baseUrl.default === undefined ? [baseUrl.env] : []), ...(secret ? [secret.env] : [])]
  return needed.filter((name) => env(name) === undefined)
}

/** Builds the connection to a provider; undefined where a variable is missing. @throws {DefinitionError} */
export function connect(direct: DirectDeclaration, env: EnvLookup): Connection | undefined {
  if (missingVariables(direct, env).length > 0) return undefined
  const { baseUrl, secret } = direct
  const text = env(baseUrl.env) ?? baseUrl.default ?? ''
  if (!isBaseUrl(text)) throw new DefinitionError(`${baseUrl.env}: ${BASE_URL_RULE}`)
  return { baseUrl: new URL(text), ...(secret ? credential(secret, env) : { headers: {}, secrets: [] }) }
}

export const BASE_URL_RULE = 'must be an http or https URL without user, query and fragment'

export function isBaseUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, username, password, search, hash } = new URL(text)
  return /^https?:$/.test(protocol) && `${username}${password}${search}${hash}` === ''
}

function credential(secret: SecretDeclaration, env: EnvLookup): Pick<Connection, 'headers' | 'secrets'> {
  const value = env(secret.env) ?? ''
  switch (secret.as) {
    case 'bearer':
      return { headers: { authorization: `Bearer ${value}` }, secrets: [value] }
    case 'header':
      return { headers: { [secret.name]: value }, secrets: [value] }
    case 'basic': {
      const encoded = Buffer.from(`${secret.user}:${value}`).toString('base64')
      return { headers: { authorization: `Basic ${encoded}` }, secrets: [value, encoded] }
    }
  }
}
