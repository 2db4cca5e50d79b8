/**
 * What is in front of a database. A pooler in session mode gives a connection a backend of its own; one in transaction
 * mode gives each transaction the one that is free.
 */
export const POOLER_MODES = ['none', 'session', 'transaction'] as const
export type PoolerMode = (typeof POOLER_MODES)[number]

/** A database cannot be used as its addresses say it, or through what is in front of it. The message is for who starts the server. */
export class UnsuitableAddress extends Error {
  override readonly name = 'UnsuitableAddress'
}

/** What a server does without behind a pooler in transaction mode. */
export const LOST_IN_TRANSACTION_MODE =
  'servers take no turns with each other on records under contention, statements are not kept prepared, what writes takes a round trip more, and migrations need DATABASE_DIRECT_URL, as does hearing at once what other servers write: without it live queries show that within 30 s'
