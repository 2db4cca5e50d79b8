/** Writes an instant as a field for a date and a time has it, in the time zone of whoever looks: `2030-01-31T09:30:00`. */
export function localText(date: Date): string {
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19)
}

/** Reads what such a field has as ISO 8601 in UTC; undefined for what is no time. */
export function instantOf(text: string): string | undefined {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}
