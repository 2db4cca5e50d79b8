/** What a key may be. No comma is in it, which divides the keys of a batch, and no slash: those are the server's own. */
export const IDEMPOTENCY_KEY = /^[A-Za-z0-9_.:~-]{1,255}$/

/** What a key may be, as the end of a sentence. */
export const IDEMPOTENCY_KEY_RULE = '1 to 255 letters, digits and any of _ . : ~ -'
