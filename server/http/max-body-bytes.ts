/** Of a request's body; a larger one is 413. */
export const MAX_BODY_BYTES = 1024 * 1024
