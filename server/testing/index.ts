// The package's entry `deputyjs/testing`: what an app's tests import.

export { type DryRunReport, dryRunOf } from '../invocation/dry-run/report.ts'
export { createTestApp, type TestAppOptions } from './create-test-app.ts'
