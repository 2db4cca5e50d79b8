/** What a browser may be named by in its header `Origin`, or why it cannot be. */
export type ParsedOrigin = { readonly origin: string } | { readonly problem: string }

const PARTS = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)(.*)$/is
/** Of pages that are no pages of the web: apps in a web view, and extensions. */
const APP_HOST = /^[a-z0-9._-]+(?::\d{1,5})?$/i
/** Schemes whose pages have the origin `null`, or that no page has. */
const NO_PAGES: ReadonlySet<string> = new Set(['file', 'data', 'blob', 'about', 'javascript', 'ws', 'wss'])
const IP_ADDRESS = /^(?:\[.*\]|[\d.]+)(?::\d+)?$/
/** Below these anybody can have a name, as below `com`. The list is of the best known, not of all. */
const SHARED: ReadonlySet<string> = new Set(
  `github.io gitlab.io vercel.app now.sh netlify.app pages.dev workers.dev web.app firebaseapp.com herokuapp.com
  onrender.com fly.dev railway.app azurewebsites.net azurestaticapps.net cloudfront.net amazonaws.com amplifyapp.com
  run.app appspot.com ngrok.io ngrok.app ngrok-free.app trycloudflare.com surge.sh glitch.me replit.app repl.co
  codesandbox.io stackblitz.io webcontainer.io deno.dev lovable.app`.split(/\s+/),
)
const SECOND_LEVEL = /^(?:ac|co|com|edu|gov|net|org)\.[a-z]{2}$/
const LABEL = /^(https?:\/\/)[a-z0-9_-]+\./

/**
 * Reads an origin as an administrator writes it, `https://app.example.com`, and gives it as browsers send it: in lower
 * case, in Punycode, without the port that goes without saying. A first label `*` stands for exactly one label.
 */
export function parseOrigin(text: string): ParsedOrigin {
  const refuse = (why: string) => ({ problem: `"${text}" ${why}` })
  if (text === '*')
    return refuse('would let every page call; name the origins, such as https://app.example.com')
  if (text === 'null') {
    return refuse(
      'is what sandboxed pages and files send, anybody’s; serve the page from an origin of its own',
    )
  }
  const [, writtenScheme, host = '', rest = ''] = PARTS.exec(text) ?? []
  if (writtenScheme === undefined) return refuse(`has no scheme; write https://${text.replace(/^\/+/, '')}`)
  const scheme = writtenScheme.toLowerCase()
  if (rest !== '') return refuse(`goes on after the host; write ${scheme}://${host}`)
  if (host.includes('@'))
    return refuse('has a user before its host; an origin has a scheme, a host and a port')
  if (NO_PAGES.has(scheme)) return refuse(`can be no origin: no page of ${scheme}: sends one`)
  if (scheme !== 'http' && scheme !== 'https') {
    if (host.includes('*'))
      return refuse('has a *, which stands for a label of http and https addresses only')
    return APP_HOST.test(host)
      ? { origin: `${scheme}://${host}`.toLowerCase() }
      : refuse('has no host; write it as capacitor://localhost')
  }
  const isWildcard = host.startsWith('*.')
  const named = isWildcard ? host.slice(2) : host
  if (named.includes('*')) {
    return refuse('has a * elsewhere than as its whole first label, as in https://*.example.com')
  }
  const base = `${scheme}://${named}`
  if (named === '' || !URL.canParse(base))
    return refuse('has no valid host; write it as https://app.example.com')
  const url = new URL(base)
  if (!isWildcard) return { origin: url.origin }
  const problem = wildcardProblem(url.hostname)
  return problem === undefined ? { origin: url.origin.replace('://', '://*.') } : refuse(problem)
}

function wildcardProblem(host: string): string | undefined {
  if (IP_ADDRESS.test(host)) return 'has a * before an IP address, which has no labels'
  const isShared =
    SHARED.has(host) || SECOND_LEVEL.test(host) || (!host.includes('.') && host !== 'localhost')
  return isShared
    ? `lets in every site below ${host}, where anybody can have one; name a domain of your own, as in https://*.example.com`
    : undefined
}

/**
 * Makes the question whether a page's origin is among these.
 * @throws {TypeError} for one that is none, with the sentence of `parseOrigin`.
 */
export function createOriginMatcher(texts: readonly string[]): (origin: string) => boolean {
  const known = new Set<string>()
  for (const text of texts) {
    const parsed = parseOrigin(text)
    if ('problem' in parsed) throw new TypeError(parsed.problem)
    known.add(parsed.origin)
  }
  return (sent) => {
    const origin = sent.toLowerCase()
    return !origin.includes('*') && (known.has(origin) || known.has(origin.replace(LABEL, '$1*.')))
  }
}
