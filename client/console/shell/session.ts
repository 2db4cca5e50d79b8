import { useSyncExternalStore } from 'react'

/** The token is kept for the tab, and never in a cookie. */
const KEY = 'deputy-console-token'
const listeners = new Set<() => void>()
let token = sessionStorage.getItem(KEY) ?? undefined
let hasEnded = false

/** Gives the token of the one who looks; undefined where no one is signed in. */
export function currentToken(): string | undefined {
  return token
}

/** Signs in with a token, or out with none. */
export function setToken(given: string | undefined): void {
  change(given, false)
}

/** Drops a token that the server takes no longer. */
export function endToken(): void {
  change(undefined, true)
}

/** Follows whether the person was signed in until their token ended. */
export function useHasEnded(): boolean {
  return useSyncExternalStore(subscribe, () => hasEnded)
}

/** Calls back whenever someone signs in or out. */
export function onTokenChange(listener: () => void): void {
  listeners.add(listener)
}

function change(given: string | undefined, isEnd: boolean): void {
  token = given
  hasEnded = isEnd
  if (given === undefined) sessionStorage.removeItem(KEY)
  else sessionStorage.setItem(KEY, given)
  for (const listener of listeners) listener()
}

/** Follows the token. */
export function useToken(): string | undefined {
  return useSyncExternalStore(subscribe, currentToken)
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
