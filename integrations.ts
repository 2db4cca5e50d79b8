// The app's: the third-party APIs that its actions may call, who pays for each, and who may call it without an action.
import { defineIntegrations } from './server/integrations/declare.ts'

export const integrations = defineIntegrations({
  /** Chat completions, on the owner's account; reached through actions only. */
  openai: { billing: 'developer', clients: 'none' },
  /** Mail, on the owner's account; reached through actions only. */
  resend: { billing: 'developer', clients: 'none' },
  /** Weather, on the owner's account, open to everyone on purpose. */
  weather: { billing: 'developer', clients: 'anyone' },
  /** Translations, which the signed-in caller pays. */
  libretranslate: { billing: 'user', clients: 'users' },
})
