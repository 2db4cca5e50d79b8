export interface ScenarioOptions {
  readonly seed: number
  /** How long it attacks, in all. */
  readonly seconds: number
  /** A PostgreSQL server on which databases may be made; without it the scenario runs on the embedded one alone. */
  readonly databaseUrl: string | undefined
}

export interface ScenarioReport {
  /** What was measured, a line each. */
  readonly lines: readonly string[]
  /** What must not have happened; none for a scenario that passed. */
  readonly problems: readonly string[]
}

/** A long loop of faults against a server, and what it came to. */
export type Scenario = (options: ScenarioOptions) => Promise<ScenarioReport>
