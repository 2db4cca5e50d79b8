import { register } from 'node:module'

// The generator writes with the compiler's own classes, which TypeScript 7 does not have.
register(
  `data:text/javascript,${encodeURIComponent(
    'export const resolve = (name, context, next) => next(name === "typescript" ? "ts5" : name, context)',
  )}`,
  import.meta.url,
)
