import { InvalidArgumentError, Option } from 'commander'
import { isUserId, USER_ID_RULE } from '../auth/actor.ts'

/** Reads the text of an option or argument. @throws {InvalidArgumentError} that says what would be right */
export type Reader<T> = (text: string) => T

/** Makes an option with a value, which may be given once. */
export function valueOption<T>(flags: string, description: string, read: Reader<T>): Option {
  let isGiven = false
  return new Option(flags, description).argParser((text) => {
    if (isGiven) throw new InvalidArgumentError('It may be given once only.')
    isGiven = true
    return read(text)
  })
}

/** The same, and it must be given. */
export function requiredOption<T>(flags: string, description: string, read: Reader<T>): Option {
  return valueOption(flags, description, read).makeOptionMandatory()
}

export function readText(text: string): string {
  return must(text !== '', text, 'It must not be empty.')
}

export function readUserId(text: string): string {
  return must(isUserId(text), text, `It must be a user's id: ${USER_ID_RULE}.`)
}

/** Makes a reader of whole numbers from 1 to `max`, in digits alone. */
export function countReader(max: number, rule = `a whole number from 1 to ${max}`): Reader<number> {
  return (text) => {
    const count = /^[1-9]\d{0,15}$/.test(text) ? Number(text) : 0
    return must(count >= 1 && count <= max, count, `It must be ${rule}, in digits alone.`)
  }
}

/** Gives a value that is right. @throws {InvalidArgumentError} with the rule, for one that is not */
export function must<T>(isRight: boolean, value: T, rule: string): T {
  if (!isRight) throw new InvalidArgumentError(rule)
  return value
}
