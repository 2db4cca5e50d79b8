import type { BenchDatabase } from './database.ts'
import type { Effects } from './effects.ts'
import type { RequestTemplate } from './load-job.ts'
import type { Server } from './servers.ts'
import type { Tokens } from './tokens.ts'
import type { Upstream } from './upstream.ts'

/** One of those that a work compares: a server, or several, under one kind of load. */
export interface Lane {
  /** Unique in its work, together with the connections. */
  readonly name: string
  readonly kind: 'deputy' | 'baseline'
  readonly connections: number
  /** On one database. */
  readonly servers: readonly [Server, ...Server[]]
  /** @default 1 */
  readonly callsPerRequest?: number
  /** What each answered call leaves. @default nothing */
  readonly perCall?: Partial<Effects>
  /** What a round sends; asked for before each. */
  requests(): Promise<readonly RequestTemplate[]> | readonly RequestTemplate[]
  /** What goes on beside a round. @default nothing */
  during?(): Promise<AsyncDisposable>
}

/** How ratios name a lane. */
export function laneKey({ name, connections }: Pick<Lane, 'name' | 'connections'>): string {
  return `${name} @${connections}`
}

/** The rate of one lane against that of another. */
export interface Ratio {
  readonly of: string
  readonly to: string
  /** To be reached. @default none: it is reported */
  readonly goal?: number
}

/** A row of the benchmark's table, ready to be measured. */
export interface Work {
  readonly lanes: readonly Lane[]
  readonly ratios: readonly Ratio[]
  /** Looks for what would make the comparison unfair, before anything is measured. @default there is nothing */
  check?(): Promise<readonly string[]>
  /** Gives back what it made for itself. @default nothing */
  close?(): Promise<void>
}

export interface WorkDefinition {
  /** What `--only` takes. */
  readonly name: string
  readonly title: string
  open(bench: Bench): Promise<Work> | Work
}

/** What all works share. */
export interface Bench {
  readonly deputy: Server
  readonly baseline: Server
  readonly tokens: Tokens
  readonly upstream: Upstream
  /** How many rows there are in the databases that `growth` compares. */
  readonly growthRows: readonly [small: number, large: number]
  /** A database with Deputy's tables and so many rows. */
  seededDatabase(purpose: string, rows: number): Promise<BenchDatabase>
  /** @param env differs from that of the others */
  startDeputy(database: BenchDatabase, env?: Readonly<Record<string, string>>): Promise<Server>
}
