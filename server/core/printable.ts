/** Everything that could break a line, move what stands around it, or be taken for an escape. */
const UNPRINTABLE = /[^\p{L}\p{M}\p{N}\p{P}\p{S} ]|\\/gu

/** A text from outside, fit for one line of a terminal: what is not printable is written as `\u{2028}`. */
export function printable(text: string): string {
  return text.replace(UNPRINTABLE, (found) => `\\u{${found.codePointAt(0)?.toString(16)}}`)
}
