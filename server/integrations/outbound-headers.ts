/** RFC 9110, 5.1. */
const NAME = /^[!#$%&'*+.^_`|~\w-]+$/
/** Latin-1 without control characters. A line break would begin a header of its own. */
const VALUE = /^[\x20-\x7e\xa0-\xff]*$/
/** What says where a message goes and where it ends; TLS also takes its server name from `host`. */
const OURS: ReadonlySet<string> = new Set([
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'accept-encoding',
])

/** The headers of a request, by lowercase name, or undefined if one of them may not be sent. */
export function outboundHeaders(
  headers: Readonly<Record<string, string>>,
  hasBody: boolean,
): Record<string, string> | undefined {
  const sent = new Map([
    ['accept', 'application/json'],
    ['accept-encoding', 'gzip, br'],
    // Some providers refuse a request without.
    ['user-agent', 'deputy'],
  ])
  if (hasBody) sent.set('content-type', 'application/json')
  for (const [name, value] of Object.entries(headers)) {
    const lowercase = name.toLowerCase()
    if (!NAME.test(name) || !VALUE.test(value) || OURS.has(lowercase)) return undefined
    sent.set(lowercase, value)
  }
  return Object.fromEntries(sent)
}
