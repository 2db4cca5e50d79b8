/** Letters, marks, numbers, punctuation, symbols and plain spaces; `u` makes a lone surrogate match none of them. */
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]{1,255}$/u

/** What a user id may be, as the end of a sentence that names the wrong one. */
export const USER_ID_RULE = '1 to 255 printable characters'

/** Whether a value can name a user: 1…255 printable characters, never `__proto__`. */
export function isUserId(value: unknown): value is string {
  return typeof value === 'string' && value !== '__proto__' && PRINTABLE.test(value)
}
