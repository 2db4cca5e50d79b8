import { creditsOf } from '../../shell/credits.ts'

/** What a dry run tells (docs/dry-run.md), as far as it is shown. */
export interface DryRunReport {
  readonly outcome: 'would commit' | 'would fail' | 'stopped'
  readonly failure?: { readonly error: string; readonly code: string }
  readonly stoppedAt?: string
  readonly writes: readonly DryRunWrite[]
  readonly isComplete: boolean
  readonly tables?: readonly string[]
  readonly sql?: boolean
  readonly messages?: readonly {
    readonly endpoint: string
    readonly data: unknown
    readonly payer: string
    readonly maxCost: number | null
  }[]
  readonly jobs?: readonly {
    readonly action: string
    readonly input: unknown
    readonly as: string
    readonly due: string | number
  }[]
  readonly grants?: readonly { readonly account: string; readonly amount: number }[]
  readonly maxCost: number | null
  readonly attempts: number
  readonly timeline?: readonly {
    readonly what: string
    readonly name?: string
    /** Milliseconds since the call began. */
    readonly at: number
    readonly ms: number
  }[]
  readonly result?: unknown
}

export interface DryRunWrite {
  readonly operation: 'create' | 'update' | 'remove'
  readonly collection: string
  readonly recordId: string
  readonly before: Readonly<Record<string, unknown>> | null
  readonly after: Readonly<Record<string, unknown>> | null
}

/** Says what a call costs at most. */
export function maxCostOf(amount: number | null): string {
  return amount === null ? 'what the proxy bills' : creditsOf(amount)
}
