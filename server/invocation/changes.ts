/** Collections that something has written; `all` where no one knows which. */
export type ChangedCollections = ReadonlySet<string> | 'all'

type Listener = (collections: ChangedCollections) => void

/** Tells what calls have written, once they have committed it. */
export class Changes {
  readonly #listeners = new Set<Listener>()

  /** Tells all who listen, who do no more than note it: the call waits for them. */
  tell(collections: ChangedCollections): void {
    for (const listener of this.#listeners) listener(collections)
  }

  /** @returns a function that stops listening. */
  onChange(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }
}

/** The collections of an attempt's writes; undefined where it wrote nothing. SQL of the app's own may write any. */
export function collectionsOf(
  writes: readonly (readonly [operation: string, collection: string, recordId: string])[],
): ChangedCollections | undefined {
  if (writes.length === 0) return undefined
  return writes.some(([operation]) => operation === 'sql')
    ? 'all'
    : new Set(writes.map(([, collection]) => collection))
}

/** Collects which collections a run reads; `all` where no one knows which. */
export class ReadCollections {
  #names: Set<string> | 'all' = new Set()

  get collections(): ChangedCollections {
    return this.#names
  }

  get isEmpty(): boolean {
    return this.#names !== 'all' && this.#names.size === 0
  }

  note(collections: Iterable<string> | 'all'): void {
    const names = this.#names
    if (names === 'all') return
    if (collections === 'all') this.#names = 'all'
    else for (const name of collections) names.add(name)
  }
}
