/** How long a test waits for what must happen: nearly as long as it may take, and no result depends on it. */
export const PATIENCE_MS = 25_000
