// The app's: the third-party APIs that its actions may call, who pays for each, and who may call it without an action.
// Prices are in micro-credits: 1 credit is 1 000 000 of them, and stands for a tenth of a US cent here.

import { defineIntegrations, endpoint } from 'deputyjs/integrations'
import { z } from 'zod'

const CREDIT = 1_000_000

/** Of gpt-4o-mini: 15 and 60 US cents for a million tokens. An app that uses dearer models raises them. */
const PROMPT_TOKEN_PRICE = 150
const COMPLETION_TOKEN_PRICE = 600

const message = z.strictObject({
  role: z.enum(['system', 'developer', 'user', 'assistant']),
  /** Text alone: what an image costs cannot be told from its size. */
  content: z.union([
    z.string(),
    z
      .array(z.strictObject({ type: z.literal('text'), text: z.string() }))
      .min(1)
      .max(100),
  ]),
  name: z.string().max(64).optional(),
})
const tokens = z.int().min(0)

/** Any server that speaks OpenAI's chat completions. */
const chatCompletion = endpoint({
  method: 'POST',
  path: '/chat/completions',
  input: z.strictObject({
    model: z.string().min(1).max(200),
    messages: z.array(message).min(1).max(1_000),
    /** Required: it bounds what a call can cost. */
    max_tokens: z.int().min(1).max(32_000),
    temperature: z.number().min(0).max(2).optional(),
    top_p: z.number().min(0).max(1).optional(),
    stop: z.union([z.string(), z.array(z.string()).min(1).max(4)]).optional(),
    seed: z.int().optional(),
    presence_penalty: z.number().min(-2).max(2).optional(),
    frequency_penalty: z.number().min(-2).max(2).optional(),
    response_format: z.looseObject({ type: z.enum(['text', 'json_object', 'json_schema']) }).optional(),
    /** The provider's own name for an end user, against abuse. It says nothing of who pays. */
    user: z.string().max(255).optional(),
  }),
  output: z.object({
    choices: z.array(z.object({ message: z.object({ content: z.string().nullable() }) })).min(1),
    usage: z.object({ prompt_tokens: tokens, completion_tokens: tokens }).optional(),
  }),
  timeoutMs: 60_000,
  price: {
    reserve: chatReserve,
    charge: ({ usage }, input) =>
      usage
        ? usage.prompt_tokens * PROMPT_TOKEN_PRICE + usage.completion_tokens * COMPLETION_TOKEN_PRICE
        : chatReserve(input),
  },
})

/** A token is at least one byte of what is sent. */
function chatReserve(input: { readonly max_tokens: number }): number {
  const bytes = Buffer.byteLength(JSON.stringify(input))
  return bytes * PROMPT_TOKEN_PRICE + input.max_tokens * COMPLETION_TOKEN_PRICE
}

const address = z.string().min(3).max(320)
const addresses = z.union([address, z.array(address).min(1).max(50)])

const sendMail = endpoint({
  method: 'POST',
  path: '/emails',
  input: z
    .strictObject({
      /** `Name <name@example.com>`, of a domain that the account has verified. */
      from: address,
      to: addresses,
      cc: addresses.optional(),
      bcc: addresses.optional(),
      reply_to: addresses.optional(),
      subject: z.string().min(1).max(998),
      html: z.string().optional(),
      text: z.string().optional(),
    })
    .refine(({ html, text }) => html !== undefined || text !== undefined, 'needs html, text or both'),
  output: z.object({ id: z.string() }),
  // Resend keeps keys for 24 hours, so a mail whose fate is unknown can be sent again.
  idempotencyHeader: 'Idempotency-Key',
  price: CREDIT / 2,
})

const forecast = endpoint({
  method: 'GET',
  path: '/v1/forecast',
  input: z.strictObject({
    /** In degrees. */
    latitude: z.number().min(-90).max(90),
    longitude: z.number().min(-180).max(180),
  }),
  /** Temperature in °C, wind in km/h. */
  output: z.object({
    current: z.object({ time: z.string(), temperature_2m: z.number(), wind_speed_10m: z.number() }),
  }),
  query: ({ latitude, longitude }) => ({
    latitude,
    longitude,
    current: 'temperature_2m,wind_speed_10m',
  }),
  timeoutMs: 10_000,
  price: CREDIT,
})

const language = z.string().regex(/^[a-z]{2,3}(-[A-Za-z]{2,4})?$/, 'must be a language code such as en')

const translate = endpoint({
  method: 'POST',
  path: '/translate',
  input: z.strictObject({
    q: z.string().min(1).max(5_000),
    source: z.union([z.literal('auto'), language]),
    target: language,
  }),
  output: z.object({ translatedText: z.string() }),
  body: ({ q, source, target }) => ({ q, source, target, format: 'text' }),
  price: 2 * CREDIT,
})

export const integrations = defineIntegrations({
  /** Language models, on the owner's account; reached through actions only. `https://api.openai.com/v1`, for one. */
  openai: {
    billing: 'developer',
    clients: 'none',
    direct: {
      baseUrl: { env: 'OPENAI_BASE_URL' },
      secret: { env: 'OPENAI_API_KEY', as: 'bearer' },
      endpoints: { 'chat-completion': chatCompletion },
    },
  },
  /** Mail, on the owner's account; reached through actions only. `https://api.resend.com` */
  resend: {
    billing: 'developer',
    clients: 'none',
    direct: {
      baseUrl: { env: 'RESEND_BASE_URL' },
      secret: { env: 'RESEND_API_KEY', as: 'bearer' },
      endpoints: { email: sendMail },
    },
  },
  /** Weather, on the owner's account, open to everyone on purpose. `https://api.open-meteo.com` asks for no key. */
  weather: {
    billing: 'developer',
    clients: 'anyone',
    direct: { baseUrl: { env: 'WEATHER_BASE_URL' }, endpoints: { forecast } },
  },
  /** Translations, which the signed-in caller pays. A LibreTranslate server of the app's own. */
  libretranslate: {
    billing: 'user',
    clients: 'users',
    direct: { baseUrl: { env: 'LIBRETRANSLATE_BASE_URL' }, endpoints: { translate } },
  },
})
