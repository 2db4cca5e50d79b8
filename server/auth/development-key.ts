import { randomUUID } from 'node:crypto'
import { link, mkdir, open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose'
import { z } from 'zod'
import { isUserId, USER_ID_RULE } from './actor.ts'

export const DEVELOPMENT_ISSUER = 'deputy-development'
export const DEVELOPMENT_AUDIENCE = 'deputy'

const FILE_NAME = 'development-key.json'

export interface MintOptions {
  readonly expiresInSeconds: number
  /** Further claims. They cannot replace `iss`, `aud`, `sub`, `iat` or `exp`. */
  readonly claims?: Record<string, unknown>
  /** @default the system's clock */
  readonly now?: Date
}

export interface DevelopmentKey {
  /** What verifies the tokens this key signs. */
  readonly publicJwk: JWK
  mint(userId: string, options: MintOptions): Promise<string>
}

const PrivateJwk = z.object({
  kty: z.literal('EC'),
  crv: z.literal('P-256'),
  x: z.string(),
  y: z.string(),
  d: z.string(),
})

/**
 * Loads the server's own ES256 key from the data directory, and makes it first where there is none.
 * @throws Error when the file is readable by others or is not such a key.
 */
export async function loadDevelopmentKey(dataDir: string): Promise<DevelopmentKey> {
  const path = developmentKeyPath(dataDir)
  const stored = (await readKeyFile(path)) ?? (await makeKeyFile(dataDir, path))
  const { d: _, ...publicPart } = stored
  const kid = await calculateJwkThumbprint(publicPart)
  const key = await importJWK(stored, 'ES256').catch((error: unknown) => {
    throw unreadable(path, error)
  })

  return {
    publicJwk: { ...publicPart, kid, alg: 'ES256', use: 'sig' },
    async mint(userId, { expiresInSeconds, claims = {}, now = new Date() }) {
      if (!isUserId(userId)) throw new Error(`A user id must be ${USER_ID_RULE}.`)
      const issuedAt = Math.floor(now.getTime() / 1_000)
      return new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid, typ: 'JWT' })
        .setIssuer(DEVELOPMENT_ISSUER)
        .setAudience(DEVELOPMENT_AUDIENCE)
        .setSubject(userId)
        .setIssuedAt(issuedAt)
        .setExpirationTime(issuedAt + expiresInSeconds)
        .sign(key)
    },
  }
}

/** Where the key is kept. */
export function developmentKeyPath(dataDir: string): string {
  return join(dataDir, FILE_NAME)
}

/** Undefined when there is no file yet. */
async function readKeyFile(path: string): Promise<z.infer<typeof PrivateJwk> | undefined> {
  const file = await open(path, 'r').catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  })
  if (file === undefined) return undefined
  try {
    // Asked of the open file: a check by path could look at another file than the one read.
    const { mode, uid } = await file.stat()
    if (process.getuid && uid !== process.getuid()) {
      throw new Error(
        `The development key "${path}" belongs to another user, who could sign tokens with it. Delete it, and the next start makes a new one.`,
      )
    }
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new Error(
        `The development key "${path}" is open to other users (mode 0${(mode & 0o777).toString(8)}), who could sign tokens with it. Delete it, and the next start makes a new one; or run "chmod 600" on it if nobody else can have read it.`,
      )
    }
    return parseKey(path, await file.readFile('utf8'))
  } finally {
    await file.close()
  }
}

function parseKey(path: string, text: string): z.infer<typeof PrivateJwk> {
  try {
    return PrivateJwk.parse(JSON.parse(text))
  } catch (error) {
    throw unreadable(path, error)
  }
}

async function makeKeyFile(dataDir: string, path: string): Promise<z.infer<typeof PrivateJwk>> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const key = PrivateJwk.parse(await exportJWK(privateKey))
  const draft = join(dataDir, `${FILE_NAME}.${randomUUID()}`)
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(`${JSON.stringify(key)}\n`)
      await file.sync()
    } finally {
      await file.close()
    }
    // A link appears complete or not at all, and never replaces: of two first starts, one key stays.
    await link(draft, path)
    return key
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
    const other = await readKeyFile(path)
    if (other !== undefined) return other
    throw new Error(`The development key "${path}" vanished while it was read: start again.`, {
      cause: error,
    })
  } finally {
    await rm(draft, { force: true })
  }
}

function unreadable(path: string, cause: unknown): Error {
  return new Error(
    `The development key "${path}" is not a private ES256 key in JWK form. Delete it, and the next start makes a new one; tokens signed with the old one end there.`,
    { cause },
  )
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}
