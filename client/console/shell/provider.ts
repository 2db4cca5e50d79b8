import type { ConsoleSignIn } from '../../../server/http/console-sign-in.ts'

const ELEMENT = 'meta[name="deputy-console-sign-in"]'

/** Where people sign in with their account, as the server has written it into the page; undefined where nowhere. */
export const provider: ConsoleSignIn | undefined = readProvider()

/** Where the provider sends people back to; it has to know this address. */
export const RETURN_PATH = '/console'

function readProvider(): ConsoleSignIn | undefined {
  const content = document.querySelector<HTMLMetaElement>(ELEMENT)?.content
  return content === undefined ? undefined : (JSON.parse(content) as ConsoleSignIn) // The server writes nothing else there.
}
