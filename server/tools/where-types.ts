type Comparable = string | number | bigint | boolean | Date

interface ComparisonOf<V> {
  readonly eq?: V | null
  /** NULL counts as different from every value. */
  readonly ne?: V | null
  readonly gt?: V
  readonly gte?: V
  readonly lt?: V
  readonly lte?: V
  readonly in?: readonly V[]
  readonly notIn?: readonly V[]
  readonly isNull?: boolean
}

interface TextComparison {
  /** `%` and `_` are literals. */
  readonly contains?: string
  readonly startsWith?: string
}

interface ElementComparison<V> {
  /** A value that is among the elements. */
  readonly has?: V
  readonly isNull?: boolean
}

type Condition<V> = [V] extends [Comparable]
  ? V | null | (ComparisonOf<V> & ([V] extends [string] ? TextComparison : unknown))
  : [V] extends [readonly (infer E extends Comparable)[]]
    ? null | ElementComparison<E>
    : { readonly isNull: boolean }

/** What the system says of every record, and can be compared as well. */
interface ComparedBySystem {
  readonly recordId: string
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
}

/** Conditions on the fields of a record; all that are named must hold. */
export type Where<TRecord> = {
  readonly [K in keyof TRecord]?: Condition<NonNullable<TRecord[K]>>
} & {
  readonly [K in keyof ComparedBySystem]?: Condition<NonNullable<ComparedBySystem[K]>>
} & {
  readonly AND?: readonly Where<TRecord>[]
  readonly OR?: readonly Where<TRecord>[]
  readonly NOT?: Where<TRecord>
}

export interface QueryOptions<TRecord> {
  readonly where?: Where<TRecord> | undefined
  /** @default 'createdAt' */
  readonly orderBy?: (keyof TRecord & string) | keyof ComparedBySystem | undefined
  /** @default 'desc' */
  readonly orderDir?: 'asc' | 'desc' | undefined
  /** 1…1000. Without it, more than 1000 matches are refused. */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined
  /** Without effect: infinite queries of tRPC's React integrations send it. */
  readonly direction?: 'forward' | undefined
}
