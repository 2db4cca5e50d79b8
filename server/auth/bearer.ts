export type BearerHeader =
  | { readonly kind: 'none' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'malformed' }

// RFC 6750 §2.1: the scheme, spaces, one b64token. A comma is no part of b64token, so values that a proxy
// or a client joined never pass as one.
const BEARER = /^bearer +([a-z0-9\-._~+/]+=*)$/i

/** Reads an Authorization header (RFC 6750 §2.1). Any scheme but Bearer is malformed, not absent. */
export function readBearer(header: string | undefined): BearerHeader {
  if (header === undefined) return { kind: 'none' }
  const token = BEARER.exec(header)?.[1]
  return token === undefined ? { kind: 'malformed' } : { kind: 'token', token }
}
