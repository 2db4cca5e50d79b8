// What an app's own files import: the builders, the result helpers and the types.

export { type ActionHandler, action, ownerAction, roleAction } from './builders/action.ts'
export type { ActionContext } from './builders/action-context.ts'
export type { ActionTools } from './builders/app-types.ts'
export {
  type ActionResult,
  fail,
  type Issue,
  type IssueCode,
  type IssueInfo,
  type JsonObject,
  type JsonValue,
  ok,
} from './core/result.ts'
export type { Routes, RoutesOptions } from './http/custom-routes.ts'
export { actionRegistry } from './routers/registry.ts'
export { type PageInputOptions, page } from './wire/page-input.ts'
