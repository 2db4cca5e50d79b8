import { DefinitionError } from '../core/errors.ts'

/** Other places that the pages of a front end may use, each a host with its scheme, such as `https://img.example.com`. */
export interface WebSources {
  /** Where scripts call: a sign-in service, the store that files are uploaded to. */
  readonly connect?: readonly string[]
  readonly font?: readonly string[]
  readonly frame?: readonly string[]
  readonly img?: readonly string[]
  readonly media?: readonly string[]
  readonly script?: readonly string[]
  readonly style?: readonly string[]
}

/** What a page may use of its own server. */
const OWN: Readonly<Record<keyof WebSources, readonly string[]>> = {
  connect: ["'self'"],
  font: ["'self'"],
  frame: [],
  img: ["'self'", 'data:', 'blob:'],
  media: ["'self'"],
  script: ["'self'"],
  style: ["'self'"],
}
const KINDS = Object.keys(OWN) as readonly (keyof WebSources)[]
/** A host by its scheme, perhaps of all its subdomains (CSP 3, 2.3.1): no keyword, and no second directive. */
const SOURCE = /^(?:https?|wss?):\/\/(?:\*\.)?[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*(?::\d{1,5})?$/

/**
 * Writes the policy of a front end's page: what its server has and the given sources, no script or style written into
 * the page, and no page around it (CSP level 3).
 *
 * @throws {DefinitionError} for what is no host with its scheme.
 */
export function contentSecurityPolicy(sources: WebSources): string {
  for (const kind of Object.keys(sources))
    if (!Object.hasOwn(OWN, kind))
      throw new DefinitionError(`web.sources has no ${kind}; there are ${KINDS.join(', ')}`)
  const directives = KINDS.map((kind) => {
    const given = sources[kind] ?? []
    const wrong = given.find((source) => !SOURCE.test(source))
    if (wrong !== undefined)
      throw new DefinitionError(
        `web.sources.${kind} has ${JSON.stringify(wrong)}; a source is a scheme and a host, such as https://img.example.com`,
      )
    const all = [...OWN[kind], ...given]
    return `${kind}-src ${all.length === 0 ? "'none'" : all.join(' ')}`
  })
  return [
    "default-src 'none'",
    ...directives,
    "manifest-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ')
}
