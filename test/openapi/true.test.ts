import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Http } from '../../server/http/handler.ts'
import { get, post, type Sending } from '../http/send.ts'
import { holdingContract, refuseFaults } from '../support/contract-check.ts'
import { holdServer } from '../support/held-servers.ts'
import { createTestApp, type TestApp } from '../support/test-app.ts'

// Every test of this repository holds its exchanges against its app's document; here it is shown that this is seen.

type Node = Record<string, unknown>
type Mutate = (document: Node) => void

/** The document that exchanges are held against, and what was found. */
let text: string
let found: string[]
let app: TestApp
let url: string
let token: string
let owner: string

beforeAll(async () => {
  found = []
  app = await createTestApp({
    aroundAnswer: (answer: Http['answer']) => holdingContract(answer, () => text, found),
  })
  text = app.openApi().text
  url = await app.listen()
  token = await app.token('ada')
  owner = await app.token('owner')
})
afterAll(() => app[Symbol.asyncDispose]())

const event = { title: 'Launch', startsAt: '2030-01-01T10:00:00.000Z', capacity: 5 }
const send = (path: string, sending: Sending = {}) => post(url + path, { token, ...sending })
const read = (path: string, sending: Sending = {}) => get(url + path, { token, ...sending })

/** One call of each kind. */
const CALLS = {
  create: () =>
    send('/api/actions/createEvent', {
      body: JSON.stringify(event),
      headers: { 'idempotency-key': crypto.randomUUID() },
    }),
  invalid: () => send('/api/actions/createEvent', { body: '{"title":1}' }),
  stranger: () => send('/api/actions/createEvent', { token: undefined }),
  list: () =>
    read('/api/records/events?limit=5&orderBy=title&where=%7B%22capacity%22%3A%7B%22gt%22%3A1%7D%7D'),
  write: () => send('/api/records/events', { body: JSON.stringify(event) }),
  missing: () => read('/api/records/events/nothing'),
  me: () => read('/api/users/me'),
  credits: () => read('/api/credits'),
  audit: () => read('/api/audit?limit=5', { token: owner }),
  jobs: () => read('/api/jobs', { token: owner }),
  schedules: () => read('/api/schedules', { token: owner }),
  nowhere: () => read('/api/records/nothing'),
  dry: () => send('/api/actions/createEvent', { body: '{"title":1}', headers: { 'deputy-dry-run': 'true' } }),
  otherMethod: () => read('/api/actions/createEvent'),
} as const
type Call = keyof typeof CALLS

/** What was found of a call, held against a document that is changed by this. */
async function faultsOf(call: Call, mutate: Mutate): Promise<string> {
  const document: Node = JSON.parse(app.openApi().text)
  mutate(document)
  text = JSON.stringify(document)
  found.length = 0
  await CALLS[call]()
  return found.join('\n')
}

/** What is at a path of a document. */
function at(node: Node, ...path: readonly string[]): Node {
  return path.reduce((inner, key) => {
    const next = inner[key]
    if (typeof next !== 'object' || next === null) throw new Error(`Nothing is at ${path.join('.')}: ${key}`)
    return next as Node
  }, node)
}

const schema = (document: Node, name: string) => at(document, 'components', 'schemas', name)
const operation = (document: Node, path: string, method: string) => at(document, 'paths', path, method)
function remove(node: Node, key: string): void {
  if (!Object.hasOwn(node, key)) throw new Error(`There is no ${key}`)
  delete node[key]
}
function withoutParameter(node: Node, name: string): void {
  const parameters = node.parameters as readonly { readonly name: string }[]
  node.parameters = parameters.filter((parameter) => parameter.name !== name)
  if ((node.parameters as readonly unknown[]).length === parameters.length)
    throw new Error(`There is no ${name}`)
}

describe('the document', () => {
  it.each(Object.keys(CALLS) as Call[])('is true of: %s', async (call) => {
    expect(await faultsOf(call, () => {})).toBe('')
  })
})

const CREATE = '/api/actions/createEvent'
const EVENTS = '/api/records/events'

it.each<readonly [string, Call, Mutate, string]>([
  ['an action is gone', 'create', (d) => remove(at(d, 'paths'), CREATE), 'no such operation'],
  ['a method is gone', 'write', (d) => remove(at(d, 'paths', EVENTS), 'post'), 'no such operation'],
  [
    'the success is another status',
    'create',
    (d) => remove(at(operation(d, CREATE, 'post'), 'responses'), '200'),
    'does not list this status',
  ],
  [
    '400 is not listed',
    'invalid',
    (d) => remove(at(operation(d, CREATE, 'post'), 'responses'), '400'),
    'does not list this status',
  ],
  [
    '401 is not listed',
    'stranger',
    (d) => remove(at(operation(d, CREATE, 'post'), 'responses'), '401'),
    'does not list this status',
  ],
  [
    '404 is not listed',
    'missing',
    (d) => remove(at(operation(d, `${EVENTS}/{recordId}`, 'get'), 'responses'), '404'),
    'does not list this status',
  ],
  [
    'an input has no such key',
    'create',
    (d) => remove(at(schema(d, 'input.createEvent'), 'properties'), 'title'),
    'the body is not as declared',
  ],
  [
    'an input has another type',
    'create',
    (d) => {
      at(schema(d, 'input.createEvent'), 'properties').capacity = { type: 'string' }
    },
    'the body is not as declared',
  ],
  [
    'an input needs another key',
    'create',
    (d) => {
      schema(d, 'input.createEvent').required = ['color']
    },
    'the body is not as declared',
  ],
  [
    'an output has no such field',
    'create',
    (d) => remove(at(schema(d, 'output.createEvent'), 'properties'), 'recordId'),
    'the answer is not as declared',
  ],
  [
    'an output has another type',
    'create',
    (d) => {
      at(schema(d, 'output.createEvent'), 'properties').recordId = { type: 'integer' }
    },
    'the answer is not as declared',
  ],
  [
    'an output has another field',
    'me',
    (d) => {
      at(schema(d, 'output.createEvent'), 'properties').recordId = {}
      remove(
        at(
          operation(d, '/api/users/me', 'get'),
          'responses',
          '200',
          'content',
          'application/json',
          'schema',
          'properties',
        ),
        'data',
      )
    },
    'the answer is not as declared',
  ],
  [
    'a field of records is gone',
    'list',
    (d) => remove(at(schema(d, 'record.events'), 'properties', 'data', 'properties'), 'capacity'),
    'the answer is not as declared',
  ],
  [
    'an account has no such field',
    'credits',
    (d) => remove(at(schema(d, 'output.credits.balance'), 'properties'), 'reserved'),
    'the answer is not as declared',
  ],
  [
    'entries of the audit say something else',
    'audit',
    (d) => {
      at(schema(d, 'output.audit.list'), 'properties', 'entries', 'items', 'properties').attempts = {
        type: 'string',
      }
    },
    'the answer is not as declared',
  ],
  [
    'a dry run has a status that is not listed',
    'dry',
    (d) => remove(at(operation(d, '/api/actions/createEvent', 'post'), 'responses'), '403'),
    'does not list this status',
  ],
  [
    'a failure has another code',
    'invalid',
    (d) => {
      at(schema(d, 'BadRequest'), 'properties').code = { const: 'BAD' }
    },
    'the answer is not as declared',
  ],
  [
    'issues have no path',
    'invalid',
    (d) => remove(at(schema(d, 'Issue'), 'properties'), 'path'),
    'the answer is not as declared',
  ],
  [
    'a parameter is gone',
    'list',
    (d) => withoutParameter(operation(d, EVENTS, 'get'), 'orderBy'),
    'the parameter orderBy was taken',
  ],
  [
    'a condition is gone',
    'list',
    (d) => remove(at(schema(d, 'where.events'), 'properties'), 'capacity'),
    'the parameter where is not as declared',
  ],
  [
    'no Idempotency-Key is taken',
    'create',
    (d) => withoutParameter(operation(d, CREATE, 'post'), 'Idempotency-Key'),
    'the header idempotency-key was taken',
  ],
  [
    'a header of answers is gone',
    'create',
    (d) => remove(at(operation(d, CREATE, 'post'), 'responses', '200', 'headers'), 'X-Request-Id'),
    'the header x-request-id, which is not declared',
  ],
  [
    'a header of answers has another type',
    'list',
    (d) => {
      at(d, 'components', 'headers', 'X-Request-Id').schema = { type: 'integer' }
    },
    'the header X-Request-Id is not as declared',
  ],
  [
    'a header of refusals is gone',
    'stranger',
    (d) => remove(at(d, 'components', 'responses', 'Unauthorized', 'headers'), 'WWW-Authenticate'),
    'the header www-authenticate, which is not declared',
  ],
  [
    'failures at other addresses are another',
    'nowhere',
    (d) => {
      at(schema(d, 'NotFound'), 'properties').error = { type: 'integer' }
    },
    'the answer is not as declared',
  ],
  [
    'an address that takes one method takes two',
    'otherMethod',
    (d) => {
      at(d, 'paths', CREATE).put = at(d, 'paths', CREATE).post
    },
    'Allow says POST, and the document has post, put',
  ],
  [
    'bodies are of another type',
    'write',
    (d) => {
      at(operation(d, EVENTS, 'post'), 'requestBody').content = { 'text/plain': {} }
    },
    'the body',
  ],
])('a test fails where %s', async (_, call, mutate, sentence) => {
  expect(await faultsOf(call, mutate)).toContain(sentence)
})

it('the test in which it happens fails, with the sentences', async () => {
  await using other = await createTestApp({
    aroundAnswer: (answer: Http['answer']) => holdingContract(answer, () => '{"paths":{}}'),
  })
  await get(`${await other.listen()}/api/users/me`, { token: await other.token('ada') })
  expect(refuseFaults).toThrow(
    /not true:\nGET \/api\/users\/me answers 200, and the document has no such operation$/,
  )
  expect(refuseFaults).not.toThrow()
})

it('a server of its own process is held where it is asked', async () => {
  const createAnswering = () =>
    createServer((_, answer) => answer.writeHead(200, { connection: 'close' }).end('{}'))
  const server = createAnswering().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const address = `http://127.0.0.1:${port}`
  const closed = once(server, 'close')
  holdServer(address, '{"paths":{}}', closed)
  await get(`${address}/api/credits`)
  await fetch(new Request(`${address}/api/users/me`))
  expect(refuseFaults).toThrow(
    /GET \/api\/credits answers 200, .*\nGET \/api\/users\/me answers 200, and the document has no such operation$/,
  )
  server.close()
  await closed
  // What listens at its port afterwards is another server.
  const other = createAnswering().listen(port, '127.0.0.1')
  await once(other, 'listening')
  await get(`${address}/api/credits`)
  expect(refuseFaults).not.toThrow()
  other.close()
})
