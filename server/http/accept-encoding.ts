/** Content codings that answers are sent in; of two that a client likes the same, the first. */
const ENCODINGS = ['br', 'gzip'] as const
export type Encoding = (typeof ENCODINGS)[number]

/** One member of the header: a coding and how much it is liked (RFC 9110, 12.4.2 and 12.5.3). */
const MEMBER = /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:;\s*q\s*=\s*(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)\s*)?$/i

/**
 * The coding that an `Accept-Encoding` header asks for, undefined for none. A member that is malformed counts as not
 * given. What accepts nothing at all, not even `identity`, is sent as it is: an answer that says so is of more use than
 * none (RFC 9110, 12.5.3).
 */
export function chooseEncoding(header: string | undefined | null): Encoding | undefined {
  if (!header) return undefined
  const weights = new Map<string, number>()
  for (const member of header.split(',')) {
    const [, name, q = '1'] = MEMBER.exec(member) ?? []
    if (name === undefined) continue
    const coding = name.toLowerCase() === 'x-gzip' ? 'gzip' : name.toLowerCase()
    // Of two that contradict each other, the more cautious one.
    weights.set(coding, Math.min(weights.get(coding) ?? 1, Number(q)))
  }
  const others = weights.get('*') ?? 0
  let chosen: Encoding | undefined
  let best = weights.get('identity') ?? 0
  for (const encoding of ENCODINGS) {
    const weight = weights.get(encoding) ?? others
    if (weight > 0 && (chosen === undefined ? weight >= best : weight > best)) {
      chosen = encoding
      best = weight
    }
  }
  return chosen
}
