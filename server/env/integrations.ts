import { BASE_URL_RULE, type IntegrationEnvNames, isBaseUrl } from '../integrations/connection.ts'

/** What can stand in a header: visible Latin-1 and spaces, neither first nor last. */
const HEADER_VALUE = /^[\x21-\x7e\xa0-\xff]([\x20-\x7e\xa0-\xff]*[\x21-\x7e\xa0-\xff])?$/

/** Reads the variables that integrations name. What is wrong is told without the value, which may be a secret. */
export function readIntegrationEnv(
  { urls, secrets }: IntegrationEnvNames,
  source: NodeJS.ProcessEnv,
  problems: string[],
): ReadonlyMap<string, string> {
  const values = new Map<string, string>()
  const read = (names: readonly string[], isRight: (text: string) => boolean, rule: string) => {
    for (const name of names) {
      const text = source[name]
      // `NAME=` in a compose file means: not set.
      if (text === undefined || text === '') continue
      if (isRight(text)) values.set(name, text)
      else problems.push(`${name}: ${rule}`)
    }
  }
  read(urls, isBaseUrl, BASE_URL_RULE)
  read(secrets, (text) => HEADER_VALUE.test(text), 'must be one line that can stand in a header')
  return values
}
