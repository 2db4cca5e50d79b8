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

interface TextComparisonOf<V> extends ComparisonOf<V> {
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
  ? V | null | ([V] extends [string] ? TextComparisonOf<V> : ComparisonOf<V>)
  : [V] extends [readonly (infer E extends Comparable)[]]
    ? null | ElementComparison<E>
    : { readonly isNull: boolean }

/** Conditions on the system's fields. */
interface SystemConditions {
  readonly recordId?: Condition<string>
  readonly createdBy?: Condition<string>
  readonly createdAt?: Condition<Date>
  readonly updatedAt?: Condition<Date>
}

interface OtherConditions<TRecord> extends SystemConditions {
  readonly AND?: readonly Where<TRecord>[]
  readonly OR?: readonly Where<TRecord>[]
  readonly NOT?: Where<TRecord>
}

/** Conditions on the fields of a record; all that are named must hold. */
export type Where<TRecord> = {
  readonly [K in keyof TRecord]?: Condition<NonNullable<TRecord[K]>>
} & OtherConditions<TRecord>

/** The fields that have an order: those that one value is compared with. All, where it is not known which there are. */
type OrderedField<TRecord> = string extends keyof TRecord
  ? string
  : {
      [K in keyof TRecord]: [NonNullable<TRecord[K]>] extends [Comparable] ? K : never
    }[keyof TRecord] &
      string

export interface QueryOptions<TRecord> {
  readonly where?: Where<TRecord> | undefined
  /** @default 'createdAt' */
  readonly orderBy?: OrderedField<TRecord> | keyof SystemConditions | undefined
  /** @default 'desc' */
  readonly orderDir?: 'asc' | 'desc' | undefined
  /** 1…1000. Without it, more than 1000 matches are refused. */
  readonly limit?: number | undefined
  /** `nextCursor` of the page before. */
  readonly cursor?: string | null | undefined
  /** Without effect: infinite queries of tRPC's React integrations send it. */
  readonly direction?: 'forward' | undefined
}
