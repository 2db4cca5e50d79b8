// Trust rule: an address with a code or an error may have been written by anyone. It is taken out of the address bar and
// the history before anything is shown, and means something to the tab alone that asked for it, once.
import { provider, RETURN_PATH } from './provider.ts'

const KEY = 'deputy-console-signing-in'

/** A sign-in that was begun in this tab. */
export interface BegunSignIn {
  readonly state: string
  readonly nonce: string
  /** Proves that the code was asked for here (RFC 7636). */
  readonly codeVerifier: string
}

interface Kept extends BegunSignIn {
  /** What the person wanted to see: the part of the address behind `/console`. */
  readonly wanted: string
}

/** What the provider has sent a person back with. */
export interface Returned {
  readonly parameters: URLSearchParams
  /** Undefined where this tab has begun none, or has finished it. */
  readonly begun: BegunSignIn | undefined
}

/** What the page was opened with; undefined where no provider has sent it. */
export const returned: Returned | undefined = takeReturned()

/** Keeps what is needed when the person comes back. */
export function keepBegun(begun: BegunSignIn): void {
  const kept: Kept = { ...begun, wanted: location.hash }
  sessionStorage.setItem(KEY, JSON.stringify(kept))
}

function takeReturned(): Returned | undefined {
  const parameters = new URLSearchParams(location.search)
  if (!provider || !(parameters.has('code') || parameters.has('error'))) return undefined
  const text = sessionStorage.getItem(KEY)
  sessionStorage.removeItem(KEY)
  const begun = text === null ? undefined : (JSON.parse(text) as Kept) // Nothing else writes there.
  history.replaceState(null, '', `${RETURN_PATH}${begun?.wanted ?? location.hash}`)
  return { parameters, begun }
}
