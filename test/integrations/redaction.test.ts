import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactSecrets } from '../../server/integrations/redact-secrets.ts'

const LONG = 'sk-live/4f9+a"b\\c.é$&-0123'
const SHORT = 'pa55word'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const base64url = (text: string) => Buffer.from(text).toString('base64url')
/** Whether a text, or what it is the base64 of, holds the secret. */
const shows = (text: string, secret: string) =>
  [text, Buffer.from(text, 'base64').toString(), Buffer.from(text, 'base64').toString('latin1')].some(
    (form) => form.includes(secret),
  )

describe('what is not the secret stays as it is', () => {
  it.each([
    ['a letter', 'k'],
    ['a word of the answer’s keys', 'tokens'],
    ['a digit', '1'],
    ['nothing', ''],
    ['seven characters', 'prompt_'],
    ['a number in another notation', '0x000010'],
    ['blanks', '        '],
    ['a part of a word', 'rompt_to'],
  ])('where the secret is %s', (_what, secret) => {
    const answer = {
      prompt_tokens: 16,
      usage: { tokens: ['token', 'k', '1', 1, 16, 0, null, true] },
      text: 'prompt_',
    }
    expect(redactSecrets(answer, [secret])).toEqual(answer)
  })

  it('where a short secret is a part of a longer word', () => {
    const answer = { pa55word_hint: 'mypa55word', pa55words: ['pa55word1', 'xpa55word', 'épa55word'] }
    expect(redactSecrets(answer, [SHORT])).toEqual(answer)
  })

  it('in any answer that holds none of it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.stringMatching(/^[!-~]{8,40}$/), (value, secret) => {
        const answer = JSON.parse(JSON.stringify(value))
        const text = JSON.stringify(answer)
        fc.pre(!text.includes(JSON.stringify(secret).slice(1, -1)) && !shows(text, secret))
        expect(redactSecrets(answer, [secret])).toEqual(answer)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe.each([LONG, SHORT])('the secret %s is taken out of', (secret) => {
  const forms: readonly (readonly [string, string])[] = [
    ['itself', secret],
    ['a sentence', `Incorrect key: ${secret}.`],
    ['quotes', `'${secret}'`],
    ['an address', `https://a.example/?key=${encodeURIComponent(secret)}&b=1`],
    [
      'an address in lower case',
      `key=${encodeURIComponent(secret).replaceAll(/%../g, (code) => code.toLowerCase())}`,
    ],
    ['a form', new URLSearchParams({ key: secret }).toString()],
    ['JSON in text', JSON.stringify({ key: secret })],
    ['JSON with escaped slashes', JSON.stringify({ key: secret }).replaceAll('/', '\\/')],
    ['base64', base64(secret)],
    ['base64url', base64url(secret)],
    ['base64 of a user and it', base64(`user:${secret}`)],
    ['base64 of a longer text', base64(`{"a":"${secret}","b":1}`)],
    ['base64url of a longer text', base64url(`ab=${secret};c=ééé`)],
  ]

  it.each(forms)('%s, in keys and values', (_what, text) => {
    const redacted = redactSecrets({ [text]: [text, { nested: text }] }, [secret])
    for (const part of JSON.stringify(redacted).split('"')) {
      expect(shows(part, secret)).toBe(false)
      expect(part.includes(encodeURIComponent(secret))).toBe(false)
    }
    expect(JSON.stringify(redacted).match(/\[redacted\]/g)).toHaveLength(3)
  })
})
