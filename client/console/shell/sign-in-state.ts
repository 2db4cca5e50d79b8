import { useSyncExternalStore } from 'react'
import type { ConsoleSignIn } from '../../../server/http/console-sign-in.ts'
import { dropKept, writeKept } from './kept-away.ts'
import { provider } from './provider.ts'
import { keepBegun, type Returned, returned } from './returning.ts'
import { currentToken, setToken } from './session.ts'
import { tryToken } from './try-token.ts'

/** How far a sign-in at the provider has come. */
export type SignInState =
  | { readonly kind: 'idle' }
  /** The provider's page is about to be shown. */
  | { readonly kind: 'leaving' }
  /** The provider has sent the person back. */
  | { readonly kind: 'returning' }
  | { readonly kind: 'failed'; readonly error: Error }

const IDLE: SignInState = { kind: 'idle' }
const listeners = new Set<() => void>()
let state: SignInState = IDLE
// Who is signed in, no one signs in by an address.
if (provider && returned && (returned.begun || currentToken() === undefined)) {
  state = { kind: 'returning' }
  void finish(provider, returned)
}

// Shown again as it was left: the person has gone back.
addEventListener('pageshow', ({ persisted }) => {
  if (!persisted) return
  dropKept()
  change(IDLE)
})

/** Follows a sign-in at the provider. */
export function useSignInState(): SignInState {
  return useSyncExternalStore(subscribe, () => state)
}

/** Leaves for the provider's page. @param prompt `login` has it ask who signs in, where it knows someone already */
export async function signInAt(signIn: ConsoleSignIn, prompt?: 'login'): Promise<void> {
  change({ kind: 'leaving' })
  try {
    const { beginSignIn } = await loadFlow()
    const { address, begun } = await beginSignIn(signIn, prompt)
    writeKept()
    keepBegun(begun)
    setToken(undefined)
    location.assign(address)
  } catch (error) {
    change({ kind: 'failed', error: error as Error }) // Nothing else is thrown here.
  }
}

/** Forgets what went wrong. */
export function forgetFailure(): void {
  if (state.kind === 'failed') change(IDLE)
}

async function finish(signIn: ConsoleSignIn, back: Returned): Promise<void> {
  try {
    const { finishSignIn } = await loadFlow()
    const token = await finishSignIn(signIn, back)
    await tryToken(token)
    setToken(token)
    change(IDLE)
  } catch (error) {
    change({ kind: 'failed', error: error as Error }) // Nothing else is thrown here.
  }
}

function loadFlow(): Promise<typeof import('./oidc.ts')> {
  return import('./oidc.ts').catch((cause: unknown) => {
    throw new Error('A part of this page cannot be loaded: reload it, and sign in again.', { cause })
  })
}

function change(to: SignInState): void {
  state = to
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}
