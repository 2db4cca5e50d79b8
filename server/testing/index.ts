// The package's entry `deputyjs/testing`: what an app's tests import.

export { createTestApp, type TestAppOptions } from './create-test-app.ts'
