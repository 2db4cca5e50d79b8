import { DeputyError } from './error.ts'

/** What every call uses and a runtime may lack, each with what gives it. */
const NEEDED = {
  fetch: 'give createClient one as its option fetch',
  URL: 'load a polyfill of it, in React Native react-native-url-polyfill',
  setTimeout: 'load a polyfill of it',
  clearTimeout: 'load a polyfill of it',
} as const

/** What tRPC takes before any link of ours is asked. */
const NEEDED_FIRST = { AbortController: 'load a polyfill of it before createClient' } as const

/**
 * Says which globals a call would fail for, and what to do; undefined when there are all. Looked up at every call, since
 * a polyfill may be loaded after this module.
 */
export function runtimeProblem(hasOwnFetch: boolean): DeputyError | undefined {
  const { fetch: _fetch, ...others } = NEEDED
  return problemOf(hasOwnFetch ? others : NEEDED)
}

/** As `runtimeProblem`, for what a client cannot be made without. */
export function creationProblem(): DeputyError | undefined {
  return problemOf(NEEDED_FIRST)
}

function problemOf(needed: Readonly<Record<string, string>>): DeputyError | undefined {
  const missing = Object.entries(needed).filter(
    ([name]) => typeof Reflect.get(globalThis, name) !== 'function',
  )
  if (missing.length === 0) return undefined
  const advice = missing.map(([name, what]) => `no ${name} (${what})`).join(', ')
  return new DeputyError(`This runtime has ${advice}.`)
}
