import type { JWK } from 'jose'
import { createRemoteKeys, type KeyFinder, type RemoteKeysOptions } from './remote-keys.ts'
import { readPublicJwk, readPublicKey, readSecret, type StaticKey } from './static-key.ts'

export type KeyConfig =
  | { readonly kind: 'jwks'; readonly url: URL }
  /** SPKI PEM; "\n" may be written as two characters. */
  | { readonly kind: 'publicKey'; readonly pem: string }
  /** For HS256, at least 32 bytes. */
  | { readonly kind: 'secret'; readonly secret: string }
  /** A public ES256 key: the development key. */
  | { readonly kind: 'jwk'; readonly jwk: JWK }

/** Where the keys come from that may sign tokens, and with which algorithms. A token has no say in either. */
export interface KeySource extends KeyFinder {
  readonly algorithms: readonly string[]
}

const REMOTE_ALGORITHMS = ['ES256', 'ES384', 'ES512', 'RS256', 'RS512', 'PS256', 'EdDSA']

/**
 * Opens a key source. A key set is fetched when a token first needs it.
 * @throws Error that says what is wrong with the configuration and what would be right.
 */
export function createKeySource(config: KeyConfig, options: RemoteKeysOptions = {}): KeySource {
  switch (config.kind) {
    case 'jwks':
      refuseUnfetchable(config.url)
      return { algorithms: REMOTE_ALGORITHMS, ...createRemoteKeys(config.url, options) }
    case 'publicKey':
      return fixed(readPublicKey(config.pem))
    case 'secret':
      return fixed(readSecret(config.secret))
    case 'jwk':
      return fixed(readPublicJwk(config.jwk))
  }
}

function fixed({ algorithms, key }: StaticKey): KeySource {
  return { algorithms, getKey: () => key, revision: () => 0, refresh: async () => {} }
}

function refuseUnfetchable(url: URL): void {
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new Error(
      `The key set's URL starts with "${url.protocol}"; it must start with "https:" or "http:".`,
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new Error("The key set's URL holds a user name or password; a key set is public and needs neither.")
  }
}
