import { useState } from 'react'
import { keepWhileAway } from './kept-away.ts'
import { useViewer } from './viewer.ts'

/** Names a form, or a part of one: it begins with the name of its form. */
export type TypedName = readonly (string | number)[]

/** Kept for as long as the page is open, and over a sign-in elsewhere: what fails or ends takes nothing away. */
const typed = new Map<string, unknown>(keepWhileAway('typed', (): [string, unknown][] => [...typed]))

/** What someone has typed and not sent. */
export interface Typed<T> {
  readonly value: T
  change(value: T): void
  /** Drops it with its parts, for what is shown in its place. */
  end(value: T): void
}

/** Holds what is typed as state that outlasts its form, for the one who has typed it. @param name the same each time */
export function useTyped<T>(name: TypedName, first: () => T): Typed<T> {
  const { userId } = useViewer()
  const [value, setValue] = useState(() => typedBy<T>(userId, name) ?? first())
  return {
    value,
    change: (changed) => {
      setTyped(userId, name, changed)
      setValue(changed)
    },
    end: (shown) => {
      endTyped(userId, name)
      setValue(shown)
    },
  }
}

/** Gives what someone has typed and not sent; undefined where it is nothing. */
export function typedBy<T>(userId: string, name: TypedName): T | undefined {
  return typed.get(keyOf(userId, name)) as T | undefined // Each name has values of one type.
}

/** Puts something into a form as if it were typed. */
export function setTyped(userId: string, name: TypedName, value: unknown): void {
  typed.set(keyOf(userId, name), value)
}

/** Drops what someone has typed into a form, with its parts. */
export function endTyped(userId: string, name: TypedName): void {
  const key = keyOf(userId, name)
  const ofParts = `${key.slice(0, -1)},`
  for (const each of typed.keys()) if (each === key || each.startsWith(ofParts)) typed.delete(each)
}

function keyOf(userId: string, name: TypedName): string {
  return JSON.stringify([userId, ...name])
}
