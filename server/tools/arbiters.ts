/**
 * Which constraints of a collection an insert may yield to. All, mostly. Postgres cannot take a deferrable one so, and
 * refuses the insert where the table has one: then it yields to a record of the same id alone, and the others answer
 * with an error of their own.
 */
export class Arbiters {
  /** Whether a deferrable constraint was met. */
  hasDeferrable = false
}
