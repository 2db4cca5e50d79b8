/** How many statements that were sent once a connection keeps prepared. */
const MAX_NEW = 32
/** How many that were sent again. What is sent once, however often, cannot push these out. */
const MAX_PROVEN = 128
/** What all of them together may be long: a backend's memory grows with it, by some ten bytes for each. */
const MAX_CHARACTERS = 200_000
/** The driver remembers every text that it has prepared, so a connection that has prepared so many is replaced. */
const MAX_PREPARED_EVER = 2_000

export interface Kept {
  /** What is sent: the driver takes a text that it has prepared before for prepared still. */
  readonly text: string
  /** What it is called in the backend, once that is known. */
  name: string | undefined
  isGivenUp: boolean
  /** Whether it was answered before: what it fails with from then on may be because of what has changed since. */
  hasWorked: boolean
}

/**
 * Which statements one connection keeps prepared. Callers choose shapes (of a `where`, of the fields that are given),
 * so their number is bounded: what is not used any more is given up, in the backend too.
 */
export class PreparedStatements {
  readonly #new = new Map<string, Kept>()
  readonly #proven = new Map<string, Kept>()
  /** How often a text was given up. */
  readonly #givenUp = new Map<string, number>()
  #unused: string[] = []
  #characters = 0
  #preparedEver = 0

  /** Whether the connection has prepared so many that it should be replaced. */
  get isWorn(): boolean {
    return this.#preparedEver >= MAX_PREPARED_EVER
  }

  /** How to send a statement. Without an answer it is sent unnamed, and leaves nothing behind. */
  keep(sql: string): Kept | undefined {
    const proven = this.#proven.get(sql)
    if (proven) return this.#newest(this.#proven, sql, proven)
    const seen = this.#new.get(sql)
    if (seen) {
      this.#new.delete(sql)
      if (this.#proven.size >= MAX_PROVEN) this.#giveUpOldest(this.#proven)
      this.#proven.set(sql, seen)
      return seen
    }
    if (sql.length > MAX_CHARACTERS / 10) return undefined
    if (this.#new.size >= MAX_NEW) this.#giveUpOldest(this.#new)
    const kept = {
      text: sql + ' '.repeat(this.#givenUp.get(sql) ?? 0),
      name: undefined,
      isGivenUp: false,
      hasWorked: false,
    }
    this.#new.set(sql, kept)
    this.#characters += sql.length
    this.#preparedEver += 1
    while (this.#characters > MAX_CHARACTERS)
      this.#giveUpOldest(this.#new.size > 1 ? this.#new : this.#proven)
    return kept
  }

  /** Gives one up that the database does not take any more. */
  giveUp(sql: string): void {
    const kept = this.#proven.get(sql) ?? this.#new.get(sql)
    if (!kept) return
    this.#proven.delete(sql)
    this.#new.delete(sql)
    this.#characters -= sql.length
    this.#givenUp.set(sql, (this.#givenUp.get(sql) ?? 0) + 1)
    kept.isGivenUp = true
    if (kept.name !== undefined) this.#unused.push(kept.name)
  }

  /** Notes that a statement was answered, and what it is called in the backend. */
  worked(kept: Kept, name: string): void {
    if (kept.hasWorked) return
    kept.hasWorked = true
    kept.name = name
    if (kept.isGivenUp) this.#unused.push(name)
  }

  giveUpAll(): void {
    for (const sql of [...this.#new.keys(), ...this.#proven.keys()]) this.giveUp(sql)
  }

  /** The names in the backend of those that were given up since the last time. */
  takeUnused(): readonly string[] {
    if (this.#unused.length === 0) return this.#unused
    const unused = this.#unused
    this.#unused = []
    return unused
  }

  #newest(among: Map<string, Kept>, sql: string, kept: Kept): Kept {
    among.delete(sql)
    among.set(sql, kept)
    return kept
  }

  #giveUpOldest(among: Map<string, Kept>): void {
    const [oldest] = among.keys()
    if (oldest !== undefined) this.giveUp(oldest)
  }
}
