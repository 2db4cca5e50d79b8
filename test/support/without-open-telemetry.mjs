// Given to `node --import`: a machine on which the app has not installed OpenTelemetry's API.
import { register } from 'node:module'

const hooks = `export async function resolve(specifier, context, next) {
  if (specifier === '@opentelemetry/api') throw Object.assign(new Error('Not installed'), { code: 'ERR_MODULE_NOT_FOUND' })
  return next(specifier, context)
}`
register(`data:text/javascript,${encodeURIComponent(hooks)}`)
