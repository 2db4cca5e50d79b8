import { DeputyError } from '../core/error.ts'

/**
 * Lists what is wrong with each field of an input, for a form: the first sentence by the field's path, such as `title` or
 * `address.street`. What is wrong with the input as a whole is at `''`. Empty for any other error, and for none.
 */
export function fieldErrors(error: unknown): Readonly<Record<string, string>> {
  if (!(error instanceof DeputyError)) return {}
  const errors: Record<string, string> = Object.create(null)
  for (const { path, message } of error.issues) errors[path.join('.')] ??= message
  return errors
}
