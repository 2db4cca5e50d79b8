import { type CryptoKey, createRemoteJWKSet, customFetch, errors, type JWTVerifyGetKey } from 'jose'

/** Past this age keys are fetched again in the background. */
const REFRESH_AFTER_MS = 10 * 60_000
/** Past this age keys are not used: how long a key server may be down, and a revoked key live on because of it. */
const STALE_AT_MOST_MS = 60 * 60_000
/** The pause between fetches while there are keys to go on with, whatever tokens are sent. */
const COOLDOWN_MS = 30_000
/** The pause after a failed fetch while there are none. */
const RETRY_AFTER_MS = 5_000

const MIN_RSA_BITS = 2048

export interface RemoteKeysOptions {
  /** @default the system's clock */
  readonly clock?: () => Date
  /** @default the global fetch */
  readonly fetch?: typeof fetch
  /** Milliseconds until a key server that does not answer counts as down. @default 5000 */
  readonly timeoutMs?: number
  /** Told why a refresh in the background failed; callers go on with the keys there are. */
  readonly onRefreshFailure?: (detail: string) => void
}

/** How a token's key is found. */
export interface KeyFinder {
  readonly getKey: JWTVerifyGetKey
  /** Another number for other keys. */
  revision(): number
  /** Looks for other keys, unless that was done a short while ago. Never throws. */
  refresh(): Promise<void>
}

/** No answer about a token is possible: its key server is down, or publishes keys that cannot be used. */
export class KeysUnavailableError extends Error {
  override readonly name = 'KeysUnavailableError'
}

/**
 * Finds a token's key in the key set at `url` (RFC 7517 §5).
 * @throws KeysUnavailableError from `getKey`, when the key server is to blame;
 *   jose's JWKSNoMatchingKey and JWKSMultipleMatchingKeys when the token is.
 */
export function createRemoteKeys(url: URL, options: RemoteKeysOptions = {}): KeyFinder {
  const { clock = () => new Date(), timeoutMs = 5_000 } = options
  // jose fetches, without following redirects, and selects; when to fetch is decided here, because jose
  // blocks its callers on every refresh, does not serve stale keys, and has no pause after a failure.
  const remote = createRemoteJWKSet(url, {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: timeoutMs,
    [customFetch]: options.fetch ?? fetch,
  })
  let loadedAt = Number.NEGATIVE_INFINITY
  let attemptedAt = Number.NEGATIVE_INFINITY
  let failure: string | undefined
  let published = ''
  let revision = 0
  let pending: Promise<void> | undefined

  // Absolute, so that a clock set back by an hour does not freeze refreshing for that hour.
  const elapsedMs = (since: number) => Math.abs(clock().getTime() - since)

  async function load(): Promise<void> {
    try {
      await remote.reload()
      loadedAt = clock().getTime()
      failure = undefined
      const now = JSON.stringify(remote.jwks())
      if (now !== published) revision += 1
      published = now
    } catch (error) {
      failure = describe(error)
      throw new KeysUnavailableError(failure, { cause: error })
    } finally {
      attemptedAt = clock().getTime()
      pending = undefined
    }
  }

  function reload(): Promise<void> {
    pending ??= load()
    return pending
  }

  /** Joins a fetch that is under way, or starts one unless the last was less than `pauseMs` ago. */
  async function reloadAfter(pauseMs: number): Promise<void> {
    if (pending !== undefined || elapsedMs(attemptedAt) >= pauseMs) return reload()
    if (failure !== undefined) throw new KeysUnavailableError(failure)
  }

  const getKey: KeyFinder['getKey'] = async (header, token) => {
    const ageMs = elapsedMs(loadedAt)
    if (ageMs > STALE_AT_MOST_MS) await reloadAfter(RETRY_AFTER_MS)
    else if (ageMs > REFRESH_AFTER_MS && pending === undefined && elapsedMs(attemptedAt) >= COOLDOWN_MS) {
      reload().catch(() => options.onRefreshFailure?.(failure ?? 'the refresh failed'))
    }
    const find = () => remote(header, token).then(refuseShortRsa)
    try {
      return await find().catch(async (error: unknown) => {
        if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
        await reloadAfter(COOLDOWN_MS)
        return find()
      })
    } catch (error) {
      if (isAboutToken(error) || error instanceof KeysUnavailableError) throw error
      throw new KeysUnavailableError(`a published key cannot be used: ${describe(error)}`, { cause: error })
    }
  }

  return {
    getKey,
    revision: () => revision,
    /** Of a failure nothing is to be said about the token: the keys that there are did not sign it. */
    async refresh() {
      await reloadAfter(COOLDOWN_MS).catch((error: unknown) => options.onRefreshFailure?.(describe(error)))
    },
  }
}

function isAboutToken(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
}

/** jose would find this out only while verifying, where it looks like the token's fault. */
function refuseShortRsa(key: CryptoKey): CryptoKey {
  const { algorithm } = key
  if ('modulusLength' in algorithm && Number(algorithm.modulusLength) < MIN_RSA_BITS) {
    throw new KeysUnavailableError(`a published RSA key has fewer than ${MIN_RSA_BITS} bits`)
  }
  return key
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}: ${describe(error.cause)}`
}
