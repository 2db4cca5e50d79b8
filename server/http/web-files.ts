import { readdir, readFile, stat } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { getMimeType } from 'hono/utils/mime'
import { DefinitionError } from '../core/errors.ts'
import { contentSecurityPolicy, type WebSources } from './content-security-policy.ts'
import { ENGINE_PREFIXES, isEngineAddress } from './engine-addresses.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { answerFile, IMMUTABLE, type StaticFile, staticFile } from './static-file.ts'

const PAGE = 'index.html'
/** All files together are held in memory. */
const MAX_WEB_MIB = 64
const MIB = 2 ** 20
/** As Vite names what it has built: `assets/index-B3xkQ9f_.js`. */
const HASHED = /^\/assets\/.*-[\w-]{8,}\.\w+$/
/** Runs code of the page itself, which its policy forbids. */
const INLINE_SCRIPT = /<script(?![^>]*\b(?:src\s*=|type\s*=\s*["']?application\/(?:ld\+)?json))[^>]*>/i

/** A front end, as it was built. */
export interface WebFiles {
  /** Answers for one of its files, and with its page for `/`; undefined where it has nothing there. */
  file(exchange: Exchange, pathname: string, requestId: string): Promise<HttpAnswer> | undefined
  /**
   * Answers a browser that opens another address of the front end, whose page shows what is there; undefined for what
   * is no page: a file that is missing, or a call.
   */
  page(exchange: Exchange, pathname: string, requestId: string): Promise<HttpAnswer> | undefined
}

export interface WebFilesOptions {
  /** The folder that was built. */
  readonly folder: string
  /** What else its pages may use. @default nothing */
  readonly sources?: WebSources
  /** HTML that its page has at the end of its head. @default nothing */
  readonly head?: string
  readonly isCompressing: boolean
}

/**
 * Reads a front end that was built, whole: the addresses are those of its files, and nothing is looked up on the disk
 * by what a client sent. Files whose names begin with a dot, and links, are left out.
 *
 * @returns undefined where the folder does not exist: the front end has not been built.
 * @throws {DefinitionError} for a front end that cannot be served.
 */
export async function readWebFiles({
  folder,
  sources = {},
  head = '',
  isCompressing,
}: WebFilesOptions): Promise<WebFiles | undefined> {
  const policy = contentSecurityPolicy(sources)
  const names = await namesIn(folder)
  if (!names) return undefined
  const files = new Map<string, StaticFile>()
  let bytes = 0
  for (const name of names) {
    const path = `/${name.split(sep).join('/')}`
    if (isEngineAddress(path))
      throw new DefinitionError(
        `The front end has ${name}, but ${ENGINE_PREFIXES.join(', ')} and all below them are the engine’s: name it otherwise`,
      )
    bytes += (await stat(join(folder, name))).size
    if (bytes > MAX_WEB_MIB * MIB)
      throw new DefinitionError(
        `The front end in ${folder} has more than ${MAX_WEB_MIB} MiB, which a server holds in memory: put large files elsewhere`,
      )
    const content = await readFile(join(folder, name))
    files.set(path, toFile(path, path === `/${PAGE}` ? withHead(content, head) : content, policy))
  }
  const page = files.get(`/${PAGE}`)
  if (!page)
    throw new DefinitionError(`The front end in ${folder} has no ${PAGE}: build it with npm run build`)
  if (INLINE_SCRIPT.test(page.bytes.toString('utf8')))
    throw new DefinitionError(
      `${PAGE} of the front end in ${folder} has a script within it, which browsers refuse by the page’s policy: load it from a file`,
    )
  files.set('/', page)

  return {
    file(exchange, pathname, requestId) {
      const file = files.get(decoded(pathname))
      return file && answerFile(file, exchange, requestId, isCompressing)
    },
    page(exchange, pathname, requestId) {
      const isOpening =
        (exchange.method === 'GET' || exchange.method === 'HEAD') &&
        /\btext\/html\b/.test(exchange.header('accept') ?? '') &&
        !/\.\w+$/.test(pathname) &&
        !isEngineAddress(decoded(pathname))
      return isOpening ? answerFile(page, exchange, requestId, isCompressing) : undefined
    },
  }
}

async function namesIn(folder: string): Promise<readonly string[] | undefined> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => relative(folder, join(parentPath, name)))
      .filter((name) => !name.split(sep).some((part) => part.startsWith('.') && part !== '.well-known'))
      .sort()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function withHead(page: Buffer, head: string): Buffer {
  if (head === '') return page
  // A function, since `$` means something in a text that replaces.
  return Buffer.from(page.toString('utf8').replace('</head>', (end) => `${head}\n${end}`))
}

function toFile(path: string, bytes: Buffer, policy: string): StaticFile {
  const type = getMimeType(path) ?? 'application/octet-stream'
  const isText = type.startsWith('text/') && !type.includes('charset')
  const isDocument = /^(?:text\/html|image\/svg\+xml|application\/xhtml\+xml)/.test(type)
  return staticFile(bytes, {
    'content-type': isText ? `${type}; charset=utf-8` : type,
    'cache-control': HASHED.test(path) ? IMMUTABLE : 'no-cache',
    // Whatever a browser may open as a page of its own.
    ...(isDocument
      ? {
          'content-security-policy': policy,
          'cross-origin-opener-policy': 'same-origin-allow-popups',
          'referrer-policy': 'strict-origin-when-cross-origin',
        }
      : {}),
  })
}

/** The path that an address names (RFC 3986, 2.1); itself where it names none. */
function decoded(pathname: string): string {
  try {
    return decodeURIComponent(pathname)
  } catch {
    return pathname
  }
}
