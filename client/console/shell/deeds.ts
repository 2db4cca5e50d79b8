import type { UseMutationResult } from '@tanstack/react-query'

/** What came of the buttons of a list. */
export interface Deeds {
  /** Whether one was pressed that is not answered yet. */
  readonly isBusy: boolean
  /** What the button that was pressed last has failed with. */
  readonly error: Error | null
}

type Pressed = Pick<UseMutationResult, 'isPending' | 'error' | 'submittedAt'>

/** Says what came of the mutations behind the buttons of a list. */
export function deedsOf(...mutations: readonly [Pressed, ...Pressed[]]): Deeds {
  const last = mutations.reduce((one, other) => (other.submittedAt > one.submittedAt ? other : one))
  return { isBusy: mutations.some(({ isPending }) => isPending), error: last.error }
}
