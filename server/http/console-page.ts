import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fail } from '../core/result.ts'
import { type ConsoleSignIn, signInMeta, signInOrigins } from './console-sign-in.ts'
import { answerSignIn, type MintOwnerToken, SIGN_IN_PATH } from './development-sign-in.ts'
import { CONSOLE_PATH } from './engine-addresses.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { answerOf, NOTHING_HERE } from './respond.ts'
import { readWebFiles, type WebFiles } from './web-files.ts'

/** Beside the compiled code, and where a build of this repository puts it. */
const FOLDERS = ['../../console', '../../dist/console'].map((path) => join(import.meta.dirname, path))

/** The console of a server. */
export interface ConsoleSettings {
  /** Signs a token of the owner for whoever sits at the machine of the server. @default one has to be given */
  readonly mint?: MintOwnerToken | undefined
  /** Signs people in at an OpenID provider. @default they have to have a token */
  readonly signIn?: ConsoleSignIn | undefined
  /** The folder that was built. @default that of the package */
  readonly folder?: string | undefined
}

export interface ConsoleOptions {
  /** Undefined where it is off. */
  readonly console: ConsoleSettings | undefined
  readonly isCompressing: boolean
}

/** Answers at `/console` and below it; undefined for any other address. */
export type ServeConsole = (
  exchange: Exchange,
  pathname: string,
  requestId: string,
) => Promise<HttpAnswer> | undefined

const NOT_BUILT = fail(
  'NOT_FOUND',
  'The console is on, and was not built: npm run build makes it. Packages of deputyjs have it.',
)

/**
 * Serves the console, where it is on. Its files are the same for everyone and hold nothing of the app: what it shows, its
 * script reads from the API with the token of the one who looks. They are read once, when they are first asked for.
 */
export function createConsole({ console: settings, isCompressing }: ConsoleOptions): ServeConsole {
  let reading: Promise<WebFiles | undefined> | undefined

  return (exchange, pathname, requestId) => {
    if (pathname !== CONSOLE_PATH && !pathname.startsWith(`${CONSOLE_PATH}/`)) return undefined
    return answer(exchange, pathname, requestId)
  }

  async function answer(exchange: Exchange, pathname: string, requestId: string): Promise<HttpAnswer> {
    if (!settings) return answerOf(NOTHING_HERE, requestId)
    if (pathname === SIGN_IN_PATH)
      return settings.mint
        ? answerSignIn(exchange, requestId, settings.mint)
        : answerOf(NOTHING_HERE, requestId)
    const files = await read(settings)
    if (!files) return answerOf(NOT_BUILT, requestId)
    const path = pathname.slice(CONSOLE_PATH.length)
    return files.file(exchange, path === '' ? '/' : path, requestId) ?? answerOf(NOTHING_HERE, requestId)
  }

  /** A folder that is not there yet is looked for again. */
  async function read({ folder = FOLDERS.find((each) => existsSync(each)), signIn }: ConsoleSettings) {
    const forSignIn = signIn && { sources: { connect: signInOrigins(signIn) }, head: signInMeta(signIn) }
    reading ??= folder === undefined ? undefined : readWebFiles({ folder, isCompressing, ...forSignIn })
    const files = await reading?.catch((error: unknown) => {
      reading = undefined
      throw error
    })
    if (!files) reading = undefined
    return files
  }
}
