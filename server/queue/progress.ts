import type { Database } from '../db/database.ts'
import type { JobProgress } from '../tools/later.ts'

const SAVE = 'update deputy.queue set progress = $2 where id = $1'

/**
 * Saves how far a job is, beside its transaction: the owner sees it while the job runs. Whoever tells it does not wait:
 * the embedded database saves it when the transaction has ended. Of what is told meanwhile the newest is saved.
 */
export class ProgressWriter {
  readonly #database: Database
  readonly #jobId: string
  readonly #onFailure: (error: unknown) => void
  #newest: JobProgress | undefined
  #isWriting = false

  constructor(database: Database, jobId: string, onFailure: (error: unknown) => void) {
    this.#database = database
    this.#jobId = jobId
    this.#onFailure = onFailure
  }

  /** Never throws. */
  tell(progress: JobProgress): void {
    this.#newest = progress
    if (!this.#isWriting) void this.#write()
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    try {
      while (this.#newest) {
        const params = [this.#jobId, JSON.stringify(this.#newest)]
        this.#newest = undefined
        await this.#database.write({ sql: SAVE, params })
      }
    } catch (error) {
      this.#onFailure(error)
    } finally {
      this.#isWriting = false
    }
  }
}
