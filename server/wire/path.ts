/// <reference lib="es2024.string" />

const MAX_SEGMENT_LENGTH = 64

/** Makes a caller's key fit for an issue's path: short, and text that every log and column can hold. */
export function pathSegment(key: string): string {
  const shown = key.length > MAX_SEGMENT_LENGTH ? `${key.slice(0, MAX_SEGMENT_LENGTH)}…` : key
  return shown.toWellFormed().replaceAll('\0', '\uFFFD')
}
