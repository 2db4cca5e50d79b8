/** The clock of an app that stands: no limit has more room the longer a test takes. */
export function standingClock() {
  const now = new Date()
  return { clock: () => now, clockOffsetMs: () => now.getTime() - Date.now() }
}
