import type { JsonValue } from '../core/result.ts'
import type { QueryResult, Statement } from '../db/database.ts'
import { cancelJob, queueUniqueJob } from '../queue/change-job.ts'
import type { Grant, Job, Message, QueuedByAction } from '../queue/work.ts'
import type { Charge, JobCancellation, JobRequest } from '../tools/tool-runtime.ts'
import type { Execution } from './execution.ts'
import type { Writes } from './writes.ts'

/** What a run without any work has queued. */
export const NO_WORK: QueuedByAction = { messages: [], jobs: [], grants: [] }

export interface RunQueueOptions {
  readonly execution: Execution
  readonly writes: Writes
  mintId(): string
  /** Runs a statement in the transaction of the run. */
  run(statement: Statement): Promise<QueryResult>
}

/** What a run has queued: it is written with the last statement of its transaction, or not at all. */
export class RunQueue implements QueuedByAction {
  readonly messages: Message[] = []
  readonly grants: Grant[] = []
  readonly #options: RunQueueOptions
  readonly #jobs = new Map<string, Job>()
  /** Jobs that stand in the transaction already. */
  readonly #written = new Map<string, Job>()
  readonly #nths = new Map<string, number>()

  constructor(options: RunQueueOptions) {
    this.#options = options
  }

  get jobs(): readonly Job[] {
    return [...this.#jobs.values()]
  }

  /** All jobs that there would be after it. */
  get allJobs(): readonly Job[] {
    return [...this.#jobs.values(), ...this.#written.values()]
  }

  /** Queues a message. @returns its id, which the same message has in every run. */
  message(endpoint: string, data: JsonValue, charge: Charge): string {
    const id = this.#effectId(`outbox:${endpoint}`, data)
    this.messages.push({ id, endpoint, data, charge })
    this.#options.writes.wrote('create', 'outbox', id)
    return id
  }

  /** Queues a grant of credits. @returns its key in the ledger, the same in every run. */
  grant(account: string, amount: number): string {
    const id = this.#effectId('grant', [account, amount])
    this.grants.push({ id, account, amount })
    this.#options.writes.wrote('create', 'grants', id)
    return id
  }

  /** Queues a job. One with a key is written at once: whether one waits with that key is part of what the run has read. */
  async job({ key, isReplacing, ...request }: JobRequest): Promise<string> {
    const { execution, writes } = this.#options
    const job = { ...request, id: this.#options.mintId() }
    if (key === undefined || execution.dryRun) {
      this.#jobs.set(job.id, job)
      writes.wrote('create', 'jobs', job.id)
      return job.id
    }
    const { userId: caller, actedBy, action, id: invocation } = execution.invocation
    const origin = { caller, actedBy, action, invocation }
    const id = await queueUniqueJob((statement) => this.#options.run(statement), job, {
      origin,
      key,
      isReplacing,
      offsetMs: execution.engine.clockOffsetMs(),
    })
    this.#written.set(id, { ...job, id })
    if (id === job.id) writes.wrote('create', 'jobs', id)
    else if (isReplacing) writes.wrote('update', 'jobs', id)
    return id
  }

  async cancel(id: string): Promise<JobCancellation> {
    const { execution, run, writes } = this.#options
    this.#written.delete(id)
    const done = this.#jobs.delete(id)
      ? 'canceled'
      : await cancelJob(run, id, execution.engine.clockOffsetMs())
    if (done === 'canceled') writes.wrote('remove', 'jobs', id)
    return done
  }

  /** Derives the id of the nth of equal effects. */
  #effectId(what: string, data: unknown): string {
    const { ids, engine } = this.#options.execution
    const same = `${what}\n${engine.fingerprint(data)}`
    const nth = (this.#nths.get(same) ?? 0) + 1
    this.#nths.set(same, nth)
    return ids.effectIdOf(`${same}\n${nth}`)
  }
}
