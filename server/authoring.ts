// What an app's own files import: the builders, the result helpers and the types.

export { type ActionHandler, action, ownerAction, roleAction } from './action.ts'
export type { ActionContext } from './action-context.ts'
export type { ActionTools } from './app-types.ts'
export type { Routes, RoutesOptions } from './rest/custom-routes.ts'
export {
  type ActionResult,
  fail,
  type Issue,
  type IssueCode,
  type JsonObject,
  type JsonValue,
  ok,
} from './result.ts'
export { actionRegistry } from './routers/registry.ts'
export { type PageInputOptions, page } from './wire/page-input.ts'
