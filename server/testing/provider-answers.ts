import { isRecord } from '../core/is-record.ts'
import { fail, type JsonValue } from '../core/result.ts'
import type { IntegrationsOptions } from '../integrations/configuration.ts'
import { integrationEnv } from '../integrations/connection.ts'
import { createIntegrations } from '../integrations/create-integrations.ts'
import type { IntegrationDeclarations } from '../integrations/declarations.ts'
import { parseEndpoint } from '../integrations/endpoint.ts'
import type { DeclaredEndpoint, EndpointAnswer, SentData } from '../integrations/endpoint-types.ts'
import type { OutboundResponse } from '../integrations/exchange.ts'
import type { HttpClient } from '../integrations/http-client.ts'
import type { Integrations } from '../integrations/integrations.ts'

/** A provider's answer with its status, such as a refusal. */
export interface AnswerWithStatus {
  readonly status: number
  /** @default null */
  readonly body?: JsonValue
}

/** What a provider answers in a test: a body, which its declaration describes, or a status with one. */
export type AnswerOf<T, N extends string> = EndpointAnswer<T, N> | AnswerWithStatus

/** Answers in place of providers, in a test: `providers.answer('openai/chat-completion', { … })`. */
export interface Providers<T extends IntegrationDeclarations> {
  /**
   * Answers an endpoint from now on, by its declaration and without a request: with a body, with a status and a body, or
   * with what a function makes of the data that is sent. Data, output and price are those of the declaration; no address
   * and no secret need to be set. An object that has a `status` and beside it nothing but a `body` is the second.
   *
   * @throws {TypeError} for an endpoint that is not declared.
   */
  answer<N extends DeclaredEndpoint<T>>(
    endpoint: N,
    answer: AnswerOf<T, N> | ((data: SentData<T, N>) => AnswerOf<T, N> | Promise<AnswerOf<T, N>>),
  ): void
}

/** Integrations of an app under test, some of which are answered by the test. */
export interface AnsweredIntegrations {
  readonly integrations: Integrations
  /** Answers an endpoint from now on. @throws {TypeError} for one that is not declared */
  answer(endpoint: string, answer: unknown): void
}

const STAND_IN = { url: 'http://provider.invalid', secret: 'a secret of no provider' } as const

/** Creates an app's integrations so that a test can answer in place of their providers. */
export function createAnsweredIntegrations(options: IntegrationsOptions): AnsweredIntegrations {
  const answers = new Map<string, unknown>()
  const real = createIntegrations(options)
  const { urls, secrets } = integrationEnv(options.declarations)
  const stoodIn = new Map([
    ...urls.map((name) => [name, STAND_IN.url] as const),
    ...secrets.map((name) => [name, STAND_IN.secret] as const),
  ])
  // All that is declared counts: only the exchange with the provider is another.
  const answered = (http: HttpClient) =>
    createIntegrations({ ...options, http, env: (name) => stoodIn.get(name) })
  const planned = answered(options.http)

  return {
    integrations: {
      ...real,
      plan(text, data) {
        if (answers.has(nameOf(text))) return planned.plan(text, data)
        const plan = real.plan(text, data)
        const isLeftOut =
          answers.size > 0 &&
          !plan.success &&
          plan.code === 'PRECONDITION_FAILED' &&
          isDeclared(options.declarations, text)
        return isLeftOut ? leftOut(text, plan.error) : plan
      },
      send: (call, how) =>
        answers.has(call.name)
          ? answered(respondWith(answers.get(call.name), call.data)).send(call, how)
          : real.send(call, how),
    },
    answer(endpoint, answer) {
      if (!isDeclared(options.declarations, endpoint))
        throw new TypeError(`answer: integrations.ts declares no endpoint ${JSON.stringify(endpoint)}`)
      answers.set(nameOf(endpoint), answer)
    },
  }
}

/** Makes the refusal of what can neither be reached nor is answered by the test. */
function leftOut(text: string, why: string) {
  return fail('PRECONDITION_FAILED', `${why} Or answer it: providers.answer(${JSON.stringify(text)}, …).`)
}

function nameOf(text: string): string {
  const target = parseEndpoint(text)
  return target ? `${target.integration}/${target.endpoint}` : ''
}

function isDeclared(declarations: IntegrationDeclarations, text: string): boolean {
  const target = parseEndpoint(text)
  const direct =
    target && Object.hasOwn(declarations, target.integration) && declarations[target.integration]?.direct
  return Boolean(direct && target && Object.hasOwn(direct.endpoints, target.endpoint))
}

/** A client that sends nothing. */
function respondWith(answer: unknown, data: JsonValue): HttpClient {
  return {
    request: async () => toResponse(typeof answer === 'function' ? await answer(data) : answer),
    close: async () => {},
  }
}

function toResponse(answer: unknown): OutboundResponse {
  const { status, body } = isWithStatus(answer) ? answer : { status: 200, body: answer }
  return { kind: 'answer', status, body: asJson(body), retryAfterSeconds: undefined }
}

function isWithStatus(answer: unknown): answer is { readonly status: number; readonly body?: unknown } {
  return (
    isRecord(answer) &&
    Number.isInteger(answer.status) &&
    Object.keys(answer).every((name) => name === 'status' || name === 'body')
  )
}

/** What a provider could send. */
function asJson(body: unknown): JsonValue {
  return JSON.parse(JSON.stringify(body ?? null))
}
