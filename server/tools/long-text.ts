import type { CatalogEntry } from './catalog.ts'

/** Texts up to here are compared almost as fast as numbers. */
const SHORT_CHARACTERS = 255

/** Whether values of a field may be so long that to compare them is work: one of a list of values is not. */
export function isLongText(entry: CatalogEntry, field: string): boolean {
  const size = entry.sizes.get(field)
  const isOneOf = (entry.columns.get(field)?.enumValues?.length ?? 0) > 0
  return size?.kind === 'text' && size.maxCharacters > SHORT_CHARACTERS && !isOneOf
}

export function isLongValue(value: unknown): boolean {
  return typeof value === 'string' && value.length > SHORT_CHARACTERS
}
