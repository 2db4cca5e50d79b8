import { type ChangedCollections, ReadCollections } from '../invocation/changes.ts'
import { isAffected, type LivePlan } from './live-query.ts'
import type { LiveStream } from './live-stream.ts'

/** Streams that are answered the same, by one run. */
export interface LiveGroup {
  readonly plan: LivePlan
  readonly streams: Set<LiveStream>
  /** Whether there may be another answer than the one that was sent. */
  isDirty: boolean
  /** When it may be run again, on a clock that only goes forward. */
  notBeforeMs: number
  /** What was changed since its run began that is under way; undefined where none is. */
  missed: ReadCollections | undefined
}

/** The streams of a server by what they are answered. */
export class LiveGroups {
  readonly #groups = new Map<string, LiveGroup>()

  get count(): number {
    return this.#groups.size
  }

  add(stream: LiveStream, isDirty: boolean): void {
    const known = this.#groups.get(stream.plan.key)
    const group = known ?? {
      plan: stream.plan,
      streams: new Set(),
      isDirty: false,
      notBeforeMs: 0,
      missed: undefined,
    }
    if (!known) this.#groups.set(stream.plan.key, group)
    // One key for all of them: it may be long.
    stream.plan = group.plan
    group.streams.add(stream)
    group.isDirty ||= isDirty
  }

  remove(stream: LiveStream): void {
    const group = this.#groups.get(stream.plan.key)
    if (!group?.streams.delete(stream)) return
    if (group.streams.size === 0) this.#groups.delete(stream.plan.key)
  }

  /** Notes that a stream may have to be sent another answer. */
  touch(stream: LiveStream): void {
    const group = this.#groups.get(stream.plan.key)
    if (group) group.isDirty = true
  }

  /** Notes what was changed. @returns whether that concerns anyone */
  change(collections: ChangedCollections): boolean {
    let concerns = false
    for (const group of this.#groups.values()) {
      // What it reads is known once it was run.
      group.missed?.note(collections)
      if (group.missed || !isAffected(group.plan, collections)) continue
      group.isDirty = true
      concerns = true
    }
    return concerns
  }

  /** When the next one is to be run; undefined where none is. */
  get nextMs(): number | undefined {
    let next: number | undefined
    for (const { isDirty, notBeforeMs, missed } of this.#groups.values())
      if (isDirty && !missed) next = Math.min(next ?? notBeforeMs, notBeforeMs)
    return next
  }

  /** Takes those that are to be run now, which count as run. */
  takeDue(nowMs: number): LiveGroup[] {
    const due = [...this.#groups.values()].filter(
      ({ isDirty, notBeforeMs, missed }) => isDirty && notBeforeMs <= nowMs && !missed,
    )
    for (const group of due) group.isDirty = false
    return due
  }

  /** Notes that a group's run begins, which does not end before others begin. */
  begin(group: LiveGroup): void {
    group.missed = new ReadCollections()
  }

  /** Notes that it has ended: what was changed meanwhile may not be in it. */
  end(group: LiveGroup): void {
    const { missed } = group
    group.missed = undefined
    if (missed && !missed.isEmpty && isAffected(group.plan, missed.collections)) group.isDirty = true
  }

  /** Moves streams whose rule has become another condition. */
  rekey(group: LiveGroup): void {
    if (!group.plan.isVolatile) return
    for (const stream of [...group.streams]) {
      const plan = stream.query.planFor(stream.ruleActor)
      if (plan.key === group.plan.key) continue
      this.remove(stream)
      stream.plan = plan
      this.add(stream, true)
    }
  }
}
