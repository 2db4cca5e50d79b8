const KEY = 'deputy-console-kept'

const writers = new Map<string, () => unknown>()
const kept = takeKept()

/**
 * Has something that is in memory kept in the tab while the person is away to sign in.
 *
 * @param write gives it, as JSON can hold it
 * @returns what was kept when the page was left; undefined where nothing was
 */
export function keepWhileAway<T>(name: string, write: () => T): T | undefined {
  writers.set(name, write)
  return kept[name] as T | undefined // Written by the same `write`, in the same tab.
}

/** Writes what is to be kept. @throws {Error} that says so where it is too large */
export function writeKept(): void {
  const values = Object.fromEntries([...writers].map(([name, write]) => [name, write()]))
  try {
    sessionStorage.setItem(KEY, JSON.stringify(values))
  } catch (cause) {
    throw new Error(
      'What you have typed is too large to be kept while you sign in elsewhere: sign in with a token instead.',
      { cause },
    )
  }
}

/** Drops what was written for a page that was not left after all. */
export function dropKept(): void {
  sessionStorage.removeItem(KEY)
}

function takeKept(): Readonly<Record<string, unknown>> {
  const text = sessionStorage.getItem(KEY)
  sessionStorage.removeItem(KEY)
  return text === null ? {} : JSON.parse(text)
}
