import { DeputyError } from './error.ts'

/** The globals that every call uses and a runtime may lack, each with what provides it. */
const NEEDED = {
  fetch: 'give createClient one as its option fetch',
  URL: 'load a polyfill of it, in React Native react-native-url-polyfill',
  setTimeout: 'load a polyfill of it',
  clearTimeout: 'load a polyfill of it',
  AbortController: 'load a polyfill of it',
} as const

/**
 * Finds the globals that are missing for a call, and says what to do; undefined when all are there. Called for each
 * call, because a polyfill may be loaded after this module.
 */
export function runtimeProblem(hasOwnFetch: boolean): DeputyError | undefined {
  const missing = Object.entries(NEEDED).filter(
    ([name]) => !(hasOwnFetch && name === 'fetch') && typeof Reflect.get(globalThis, name) !== 'function',
  )
  if (missing.length === 0) return undefined
  const advice = missing.map(([name, what]) => `no ${name} (${what})`).join(', ')
  return new DeputyError(`This runtime has ${advice}.`)
}
