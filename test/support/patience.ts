/** How long a test waits for what must happen: longer than a loaded machine needs, within what a test may take; no result depends on it. */
export const PATIENCE_MS = 50_000
