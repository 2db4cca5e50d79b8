import type { Statement } from '../db/database.ts'
import type { TraceSpan } from './tracing.ts'

/** What the time of a call goes to. */
export type PhaseKind =
  | 'room'
  | 'gate'
  | 'limits'
  | 'claim'
  | 'turn'
  | 'connection'
  | 'attempt'
  | 'statement'
  | 'step'
  | 'commit'

/** A part of the time of a call. */
export interface Phase {
  readonly kind: PhaseKind
  /** A name; or a statement, which is named when someone asks. */
  readonly about: string | Statement | undefined
  /** As `performance.now()` has it. */
  readonly startMs: number
  /** Undefined while it goes on. */
  endMs: number | undefined
  /** Undefined where nothing is traced. */
  readonly span: TraceSpan | undefined
}

/** A phase as people read it, in whole milliseconds. */
export interface ToldPhase {
  readonly what: PhaseKind
  readonly name?: string
  /** Since the call began. */
  readonly at: number
  readonly ms: number
}

/** What a call has spent its time on. */
export interface ToldTimeline {
  /** The milliseconds of all phases of a kind, and how many there were. Phases beside each other count each. */
  readonly spent: Readonly<Record<string, { readonly count: number; readonly ms: number }>>
  /** The longest of them, in their order. */
  readonly phases: readonly ToldPhase[]
}

/** How many phases of a call are kept: the longest. */
const MAX_PHASES = 64
/** How many of them are told. */
const MAX_TOLD = 30

/**
 * What a call spends its time on: for a slow call's line in the log, for those who ask what is in flight, and for the
 * spans of a trace. Its size is bounded, whatever the call does.
 */
export class Timeline {
  readonly startedMs = performance.now()
  /** Of the call; undefined where nothing is traced. */
  readonly span: TraceSpan | undefined
  readonly #phases: Phase[] = []
  readonly #spent: Partial<Record<PhaseKind, { count: number; ms: number }>> = {}
  #attempt: Phase | undefined

  constructor(span?: TraceSpan) {
    this.span = span
  }

  begin(kind: PhaseKind, about?: string | Statement): Phase {
    const parent = kind === 'attempt' ? this.span : (this.#attempt?.span ?? this.span)
    const span = parent?.begin(about === undefined ? kind : `${kind} ${nameOf(about)}`)
    const phase: Phase = { kind, about, startMs: performance.now(), endMs: undefined, span }
    if (kind === 'attempt') this.#attempt = phase
    if (this.#phases.length >= MAX_PHASES) this.#forgetShortest()
    if (this.#phases.length < MAX_PHASES) this.#phases.push(phase)
    return phase
  }

  end(phase: Phase, error?: unknown): void {
    if (phase.endMs !== undefined) return
    phase.endMs = performance.now()
    if (phase === this.#attempt) this.#attempt = undefined
    this.#spent[phase.kind] ??= { count: 0, ms: 0 }
    const spent = this.#spent[phase.kind]
    if (spent) {
      spent.count += 1
      spent.ms += phase.endMs - phase.startMs
    }
    phase.span?.end(error)
  }

  /** Does work as a phase. It is begun at once: what is sent by it keeps its order. */
  during<T>(
    kind: PhaseKind,
    about: string | Statement | undefined,
    work: (phase: Phase) => Promise<T>,
  ): Promise<T> {
    const phase = this.begin(kind, about)
    // Not awaited: every call has several phases, and each would be an async function more.
    return work(phase).then(
      (result) => {
        this.end(phase)
        return result
      },
      (error: unknown) => {
        this.end(phase, error)
        throw error
      },
    )
  }

  /** What goes on at the moment, the newest last; an attempt is not told where a part of it is. */
  get current(): readonly ToldPhase[] {
    const open = this.#phases.filter(({ endMs }) => endMs === undefined)
    const parts = open.filter(({ kind }) => kind !== 'attempt')
    return (parts.length > 0 ? parts : open).slice(-MAX_TOLD).map((phase) => this.#told(phase))
  }

  /** What the time has gone to so far. */
  get told(): ToldTimeline {
    const longest = [...this.#phases]
      .filter(({ kind }) => kind !== 'attempt')
      .sort((a, b) => durationOf(b) - durationOf(a))
      .slice(0, MAX_TOLD)
      .sort((a, b) => a.startMs - b.startMs)
    const spent = Object.fromEntries(
      Object.entries(this.#spent).map(([kind, { count, ms }]) => [kind, { count, ms: Math.round(ms) }]),
    )
    return { spent, phases: longest.map((phase) => this.#told(phase)) }
  }

  #told(phase: Phase): ToldPhase {
    return {
      what: phase.kind,
      ...(phase.about === undefined ? {} : { name: nameOf(phase.about) }),
      at: Math.round(phase.startMs - this.startedMs),
      ms: Math.round(durationOf(phase)),
    }
  }

  #forgetShortest(): void {
    let shortest = -1
    for (const [position, phase] of this.#phases.entries()) {
      if (phase.endMs === undefined) continue
      const known = this.#phases[shortest]
      if (!known || durationOf(phase) < durationOf(known)) shortest = position
    }
    if (shortest >= 0) this.#phases.splice(shortest, 1)
  }
}

function durationOf({ startMs, endMs }: Phase): number {
  return (endMs ?? performance.now()) - startMs
}

/** How far into a statement its name is looked for. */
const MAX_LOOK = 4_000
const NAMED = /\b(insert into|update|delete from|from)\s+("?[a-z_]\w*"?(?:\."?[a-z_]\w*"?)?)/i
const MAX_NAME = 100

/** Names a statement by what it does to which table; an app's own SQL is `sql`. A statement's text holds no values. */
export function nameOf(about: string | Statement): string {
  if (typeof about === 'string') return about.slice(0, MAX_NAME)
  if (about.mayLeaveState) return 'sql'
  const [, verb = '', table = ''] = NAMED.exec(about.sql.slice(0, MAX_LOOK)) ?? []
  if (verb === '') return 'statement'
  const word = verb.toLowerCase() === 'from' ? 'select' : (verb.toLowerCase().split(' ', 1)[0] ?? '')
  return `${word} ${table.replaceAll('"', '')}`.slice(0, MAX_NAME)
}
