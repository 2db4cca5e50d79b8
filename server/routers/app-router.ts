import { t } from '../trpc.ts'
import type { Actions } from './registry.ts'

/** The router of an app: its actions, flat, under `actions`. */
export function createAppRouter<T extends Actions>(actions: T) {
  return t.router({ actions: t.router(actions) })
}
