import type { Exchange, HttpAnswer } from './exchange.ts'
import {
  REFERENCE_FILES,
  type ReferenceFile,
  type ReferenceFileName,
  readReferenceFile,
} from './reference-files.ts'
import { answerOf, NOTHING_HERE } from './respond.ts'
import { answerFile, IMMUTABLE, type StaticFile, staticFile } from './static-file.ts'

const REFERENCE_PATH = '/docs'
const FILE_PREFIX = `${REFERENCE_PATH}/`

/** Who sees what describes the app: everyone, who has a valid token, or no one. */
export type ApiDocs = 'public' | 'users' | 'off'

export interface ReferencePageOptions {
  /** With `users`, the page asks for a token before it reads the app's document. */
  readonly apiDocs: ApiDocs
  readonly isCompressing: boolean
}

/** Answers at `/docs` and below it; undefined where it has nothing. */
export type ServeReferencePage = (
  exchange: Exchange,
  pathname: string,
  requestId: string,
) => Promise<HttpAnswer> | undefined

/**
 * Serves the reference page, where it is on. It is the same for everyone and holds nothing of the app, which its script reads from
 * `/openapi.json`. Its files are read and compressed once, when they are first asked for.
 */
export function createReferencePage({
  apiDocs,
  isCompressing,
}: ReferencePageOptions): ServeReferencePage | undefined {
  if (apiDocs === 'off') return undefined
  const documents = apiDocs
  let files: Promise<ReadonlyMap<string, StaticFile>> | undefined

  return (exchange, pathname, requestId) => {
    if (pathname !== REFERENCE_PATH && !pathname.startsWith(FILE_PREFIX)) return undefined
    return answer(exchange, pathname, requestId)
  }

  async function answer(exchange: Exchange, pathname: string, requestId: string): Promise<HttpAnswer> {
    files ??= readAll(documents).catch((error: unknown) => {
      files = undefined
      throw error
    })
    const served = (await files).get(pathname)
    if (!served) return answerOf(NOTHING_HERE, requestId)
    return answerFile(served, exchange, requestId, isCompressing)
  }
}

async function readAll(documents: 'public' | 'users'): Promise<ReadonlyMap<string, StaticFile>> {
  const read = await Promise.all(
    REFERENCE_FILES.map(async (file) => [file, await readReferenceFile(file)] as const),
  )
  const names = new Map(read.map(([file, { name }]) => [file, name]))
  return new Map([
    [REFERENCE_PATH, toShell(shellOf(documents, (file) => `${FILE_PREFIX}${names.get(file)}`))],
    ...read.map(([, file]) => [`${FILE_PREFIX}${file.name}`, toFile(file)] as const),
  ])
}

function toFile({ bytes, contentType }: ReferenceFile): StaticFile {
  return staticFile(bytes, { 'content-type': contentType, 'cache-control': IMMUTABLE })
}

function toShell(text: string): StaticFile {
  return staticFile(Buffer.from(text), {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy': CONTENT_SECURITY_POLICY,
    'cross-origin-opener-policy': 'same-origin',
    'referrer-policy': 'no-referrer',
  })
}

/** Nothing from elsewhere, nothing written into the page, and no page around it. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  // What Swagger UI's style draws with.
  'img-src data:',
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

function shellOf(documents: 'public' | 'users', address: (file: ReferenceFileName) => string): string {
  return `<!doctype html>
<html lang="en" data-documents="${documents}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API reference</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${address('swagger-ui.css')}">
<link rel="stylesheet" href="${address('page.css')}">
<script defer src="${address('swagger-ui.js')}"></script>
<script defer src="${address('page.js')}"></script>
</head>
<body>
<header class="bar">
<h1>API reference</h1>
<form id="token-form">
<label for="token">Token</label>
<input id="token" autocomplete="off" autocapitalize="off" spellcheck="false" placeholder="eyJ…">
<button>Use</button>
</form>
<p id="status" role="status"><noscript>This page needs JavaScript.</noscript></p>
</header>
<main id="reference"></main>
</body>
</html>
`
}
