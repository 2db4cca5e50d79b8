import { expect, it } from 'vitest'
import { Contract, type Exchanged } from '../support/contract.ts'

const DOCUMENT = {
  security: [{ bearer: [] }],
  paths: {
    '/api/records/events': {
      get: {
        parameters: [
          { name: 'limit', in: 'query', schema: { type: 'integer', maximum: 10 } },
          {
            name: 'where',
            in: 'query',
            content: { 'application/json': { schema: { $ref: '#/components/schemas/Where' } } },
          },
        ],
        responses: {
          200: { $ref: '#/components/responses/Page' },
          401: { $ref: '#/components/responses/Failure' },
        },
      },
    },
    '/api/actions/invite': {
      post: {
        parameters: [{ name: 'Idempotency-Key', in: 'header', schema: { type: 'string', maxLength: 4 } }],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: { to: { type: 'string' }, at: { type: 'string', format: 'date-time' } },
                required: ['to'],
                additionalProperties: false,
              },
            },
          },
        },
        responses: {
          200: { $ref: '#/components/responses/Page' },
          401: { $ref: '#/components/responses/Failure' },
        },
      },
    },
    '/api/jobs/{id}': {
      get: {
        parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string', format: 'uuid' } }],
        responses: { 200: { $ref: '#/components/responses/Page' } },
      },
    },
  },
  components: {
    schemas: {
      Where: { type: 'object', properties: { title: { type: 'string' } }, additionalProperties: false },
    },
    responses: {
      Page: {
        description: 'Done.',
        headers: { 'X-Request-Id': { required: true, schema: { type: 'string' } } },
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['success'],
              properties: { success: { const: true }, count: { type: 'integer' } },
            },
          },
        },
      },
      Failure: {
        description: 'It failed.',
        headers: { 'X-Request-Id': { required: true, schema: { type: 'string' } } },
        content: {
          'application/json': {
            schema: {
              type: 'object',
              required: ['success', 'code'],
              properties: { success: { const: false }, code: { enum: ['UNAUTHORIZED'] } },
            },
          },
        },
      },
    },
  },
}
const contract = new Contract(DOCUMENT)

interface Given extends Partial<Omit<Exchanged, 'header'>> {
  readonly headers?: Readonly<Record<string, string>>
}

function exchanged({ headers = { authorization: 'Bearer x' }, ...given }: Given): Exchanged {
  return {
    method: 'GET',
    target: '/api/records/events',
    isDryRun: false,
    body: undefined,
    status: 200,
    answerHeaders: { 'content-type': 'application/json', 'x-request-id': 'x' },
    answerBody: '{"success":true,"count":1}',
    header: (name) => headers[name],
    ...given,
  }
}

const refused = { status: 401, answerBody: '{"success":false,"code":"UNAUTHORIZED"}', headers: {} }
const invite = { method: 'POST', target: '/api/actions/invite' }

it.each<readonly [string, Given]>([
  ['a list', {}],
  ['a HEAD of it', { method: 'HEAD', answerBody: '' }],
  ['parameters', { target: `/api/records/events?limit=5&where=${encodeURIComponent('{"title":"5"}')}` }],
  ['a call', { ...invite, body: '{"to":"ada","at":"2030-01-01T00:00:00Z"}' }],
  ['a path', { target: '/api/jobs/0192d3c4-0000-7000-8000-000000000000' }],
  [
    'a wrong request that is refused as listed',
    { ...refused, target: '/api/records/events?limit=500&else=1' },
  ],
  ['an unknown address that is refused', { ...refused, target: '/api/nothing' }],
])('the document is true of %s', (_, given) => {
  expect(contract.faultsOf(exchanged(given))).toEqual([])
})

it.each<readonly [string, Given, string]>([
  ['a success at an unknown address', { target: '/api/nothing' }, 'the document has no such operation'],
  ['a success by an undeclared method', { method: 'PUT' }, 'the document has no such operation'],
  ['a status that is not listed', { status: 403 }, 'does not list this status'],
  ['a refusal that no operation has', { target: '/api/nothing', status: 404 }, 'has no such failure'],
  [
    'a field that is not declared',
    { answerBody: '{"success":true,"total":1}' },
    '"unevaluatedProperty":"total"',
  ],
  ['a field that is missing', { answerBody: '{}' }, "required property 'success'"],
  ['a field of another type', { answerBody: '{"success":true,"count":"1"}' }, 'must be integer'],
  [
    'a code that is not listed',
    { ...refused, answerBody: '{"success":false,"code":"NOT_FOUND"}' },
    'allowed values',
  ],
  ['an answer that is no JSON', { answerBody: 'oops' }, 'is no JSON'],
  [
    'another media type',
    { answerHeaders: { 'content-type': 'text/html', 'x-request-id': 'x' } },
    'text/html',
  ],
  [
    'a header too few',
    { answerHeaders: { 'content-type': 'application/json' } },
    'lacks the header X-Request-Id',
  ],
  [
    'a header that is not declared',
    { answerHeaders: { 'content-type': 'application/json', 'x-request-id': 'x', 'retry-after': '1' } },
    'the header retry-after, which is not declared',
  ],
  ['a call without a token', { headers: {} }, 'without a token'],
  [
    'a parameter that is not declared',
    { target: '/api/records/events?page=1' },
    'the parameter page was taken',
  ],
  ['a parameter beyond its bounds', { target: '/api/records/events?limit=11' }, 'the parameter limit'],
  ['a parameter of another type', { target: '/api/records/events?limit=few' }, 'the parameter limit'],
  ['a JSON parameter', { target: '/api/records/events?where=%7B%22x%22%3A1%7D' }, 'the parameter where'],
  ['a path', { target: '/api/jobs/1' }, 'the parameter id'],
  [
    'a header that was taken',
    { headers: { authorization: 'Bearer x', 'idempotency-key': 'k' } },
    'the header idempotency-key was taken',
  ],
  [
    'a header beyond its bounds',
    { ...invite, body: '{"to":"ada"}', headers: { authorization: 'Bearer x', 'idempotency-key': '12345' } },
    'the parameter Idempotency-Key',
  ],
  [
    'a body that the document refuses',
    { ...invite, body: '{"to":1}' },
    'the body is not as declared at "/to"',
  ],
  [
    'a key that the document refuses',
    { ...invite, body: '{"to":"ada","cc":"bob"}' },
    '"additionalProperty":"cc"',
  ],
  ['a date that is none', { ...invite, body: '{"to":"ada","at":"soon"}' }, 'must match format'],
  ['a body too few', { ...invite, body: '' }, 'without a body, which is required'],
  ['a body too many', { body: '{}' }, 'a body was taken, which is not declared'],
])('a test fails by %s', (_, given, sentence) => {
  const faults = contract.faultsOf(exchanged(given))
  expect(faults.join('\n')).toContain(sentence)
})
