/** What a mutation wrote, of what the user may read. */
export interface WrittenRecord {
  /** undefined where it may have been anything. */
  readonly collection: string | undefined
  /** undefined where it was more records of the collection than are told one by one. */
  readonly recordId: string | undefined
}

/** It may have been anything. */
export const ANYTHING_WRITTEN: readonly WrittenRecord[] = [{ collection: undefined, recordId: undefined }]

/** Reads the header `Deputy-Writes` of a request's mutations: `events/1 notes,*`, each part encoded as in an address. */
export function parseWritten(header: string): readonly WrittenRecord[] {
  const parts = new Set(header.split(/[ ,]+/).filter((part) => part !== ''))
  if (parts.has('*')) return ANYTHING_WRITTEN
  try {
    return [...parts].map((part) => {
      const [collection, recordId] = part.split('/').map(decodeURIComponent)
      return { collection, recordId }
    })
  } catch {
    // What stands between here and the server has changed it.
    return ANYTHING_WRITTEN
  }
}
