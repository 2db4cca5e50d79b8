import { fail, ok } from '../core/result.ts'
import type { Exchange, HttpAnswer } from './exchange.ts'
import { answerOf } from './respond.ts'

/** Where the console asks for a token of the development key. */
export const SIGN_IN_PATH = '/console/development-token'
/** A header that no form and no page of another origin can send without asking first. */
const OWN_HEADER = 'deputy-console'

/** Addresses of this machine, as URLs have them; no name, which someone else may have pointed here. */
const LOOPBACK_HOST = /^(?:127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?$/
const LOOPBACK_PEER = /^(?:::ffff:)?127(?:\.\d{1,3}){3}$|^::1$/
/** What proxies say of whom they speak for. */
const FORWARDING = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
  'via',
]

/** Signs a token of the app's owner. */
export type MintOwnerToken = () => Promise<{ readonly token: string; readonly userId: string }>

/**
 * Says why a request for a token of the development key is refused; undefined for one that a person's own browser has
 * sent, on this machine, from the console of this very server.
 */
export function signInProblem(exchange: Pick<Exchange, 'peer' | 'header'>): string | undefined {
  if (exchange.peer === undefined || !LOOPBACK_PEER.test(exchange.peer))
    return 'Tokens of the development key are given on the machine of the server alone.'
  const proxy = FORWARDING.find((name) => exchange.header(name) !== undefined)
  if (proxy !== undefined)
    return `Tokens of the development key are not given through a proxy, and ${proxy} tells of one.`
  const host = exchange.header('host') ?? ''
  if (!LOOPBACK_HOST.test(host))
    return 'Open the console by an address of this machine, such as http://127.0.0.1:3000/console: a name may lead elsewhere.'
  const site = exchange.header('sec-fetch-site') ?? 'same-origin'
  if (exchange.header('origin') !== `http://${host}` || site !== 'same-origin')
    return 'Only the console of this server may ask for a token of its development key.'
  if (exchange.header(OWN_HEADER) !== 'sign-in') return `The header ${OWN_HEADER} must be sign-in.`
  return undefined
}

/** Gives a token of the development key to the console of this server, and to no other page. */
export async function answerSignIn(
  exchange: Exchange,
  requestId: string,
  mint: MintOwnerToken,
): Promise<HttpAnswer> {
  if (exchange.method !== 'POST') {
    const refused = answerOf(fail('METHOD_NOT_SUPPORTED', 'This address takes POST.'), requestId)
    return { ...refused, headers: { ...refused.headers, allow: 'POST' } }
  }
  const problem = signInProblem(exchange)
  return answerOf(problem === undefined ? ok(await mint()) : fail('FORBIDDEN', problem), requestId)
}
