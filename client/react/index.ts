// The entry `deputyjs/react`: hooks on TanStack Query, which is a peer, as React is.

export { DeputyError, type WrittenRecord } from '../core/index.ts'
export { type ConnectOptions, type DeputyConnection, hydration } from './connections.ts'
export { createDeputy, type DeputyOptions } from './create-deputy.ts'
export type {
  Deputy,
  DeputyQueryOptions,
  ProviderProps,
  RecordMutations,
  RecordsOptions,
} from './deputy-types.ts'
export { fieldErrors } from './field-errors.ts'
