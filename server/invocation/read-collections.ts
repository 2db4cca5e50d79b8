import type { ChangedCollections } from './changes.ts'

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
