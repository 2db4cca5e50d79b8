// The package's entry `deputyjs`: what an app's own files import.

export { type Builders, createBuilders } from '../builders/action.ts'
export type {
  ActionBuilder,
  ActionEnd,
  ActionStart,
  InternalBuilder,
  InternalEnd,
  InternalStart,
} from '../builders/action-builder.ts'
export type {
  ActionContext,
  CommonContext,
  HandlerContext,
  InternalContext,
  InternalQueryContext,
  OwnerContext,
  QueryContext,
} from '../builders/action-context.ts'
export type { ActionHandler } from '../builders/action-definition.ts'
export type {
  ActionReadTools,
  ActionTools,
  AppTypes,
  CallerReadTools,
  CallerTools,
  OwnerTools,
} from '../builders/app-types.ts'
export {
  defineSchedules,
  type ScheduleDeclaration,
  type ScheduledCall,
  type Schedules,
} from '../builders/schedules.ts'
export type { ErrorContext, ErrorHook } from '../core/error-reports.ts'
export {
  type ActionResult,
  type Failure,
  fail,
  type Issue,
  type IssueCode,
  type IssueInfo,
  type JsonObject,
  type JsonValue,
  ok,
  type Success,
} from '../core/result.ts'
export type { WebSources } from '../http/content-security-policy.ts'
export type { AnyRoutes, RouteCaller, Routes, RoutesOptions } from '../http/custom-routes.ts'
export type { DryRunOptions } from '../invocation/dry-run/options.ts'
export type { DryRunWrite } from '../invocation/dry-run/read-writes.ts'
export type {
  DryRunAnswer,
  DryRunGrant,
  DryRunJob,
  DryRunMessage,
  DryRunReport,
} from '../invocation/dry-run/report.ts'
export type { CronTimes, Every, EveryTimes, ScheduleTimes } from '../queue/schedule-times.ts'
export { actionRegistry } from '../routers/registry.ts'
export type { GrantedCredits, JobProgress, LaterOptions } from '../tools/later.ts'
export { type PageInputOptions, page } from '../wire/page-input.ts'
export { record } from '../wire/record-schema.ts'
export {
  type App,
  type AppDefinition,
  type AppParts,
  defineApp,
  type RouterOf,
  type WebDefinition,
} from './define-app.ts'
export { run } from './run.ts'
