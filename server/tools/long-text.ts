import type { CatalogEntry } from './catalog.ts'

/** Texts of up to this many characters are compared almost as fast as numbers. */
const SHORT_CHARACTERS = 255

/** Whether a field's values may be so long that comparing them is slow. */
export function isLongText(entry: CatalogEntry, field: string): boolean {
  const size = entry.sizes.get(field)
  const isOneOf = (entry.columns.get(field)?.enumValues?.length ?? 0) > 0
  return size?.kind === 'text' && size.maxCharacters > SHORT_CHARACTERS && !isOneOf
}

export function isLongValue(value: unknown): boolean {
  return typeof value === 'string' && value.length > SHORT_CHARACTERS
}
