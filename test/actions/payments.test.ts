import { createHmac, randomBytes, randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isSigned } from '../../server/webhook-signature.ts'
import { createTestApp, type TestApp } from './test-app.ts'

const newSecret = () => `whsec_${randomBytes(24).toString('base64')}`
const [SECRET, NEXT_SECRET] = [newSecret(), newSecret()]
const CENTS = 10_000_000
const DAY_MS = 86_400_000

let app: TestApp
beforeAll(async () => {
  app = await createTestApp({ env: { PAYMENTS_WEBHOOK_SECRETS: `${SECRET}, ${NEXT_SECRET}` } })
})
afterAll(() => app[Symbol.asyncDispose]())

const newPayment = () => ({ paymentId: `pay_${randomUUID()}`, userId: randomUUID(), amountCents: 500 })
type Payment = ReturnType<typeof newPayment>
const eventOf = (payment: Payment, type = 'payment.succeeded', id = `evt_${randomUUID()}`) => ({
  id,
  type,
  data: { ...payment, currency: 'usd' },
})

interface Sent {
  readonly secret?: string
  readonly id?: string
  /** Seconds that the time stamp is behind. */
  readonly age?: number
  readonly timestamp?: string
  readonly signature?: string
  readonly leftOut?: string
}
/** Delivers a body as the payment provider does. */
async function deliver(body: unknown, sent: Sent = {}, to: TestApp = app) {
  const { secret = SECRET, id = 'msg_1', age = 0, leftOut } = sent
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const timestamp = sent.timestamp ?? String(Math.floor(Date.now() / 1_000) - age)
  const key = Buffer.from(secret.slice('whsec_'.length), 'base64')
  const digest = createHmac('sha256', key).update(`${id}.${timestamp}.${text}`).digest('base64')
  const headers = new Headers({
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': sent.signature ?? `v1a,x v1,${digest}`,
  })
  if (leftOut !== undefined) headers.delete(leftOut)
  const request = new Request('http://app.test/webhooks/payments', { method: 'POST', headers, body: text })
  const answer = await to.fetch(request)
  return { status: answer.status, result: await answer.json() }
}
const creditsOf = async (userId: string) => {
  await app.runDue()
  return (await app.balance(userId)).available
}
const statusOf = async (paymentId: string) =>
  (await app.sql('select status from payments where record_id = $1', [paymentId]))[0]?.[0]
/** Everything that a delivery may write. */
const written = () =>
  app.sql(`select (select count(*) from payments), (select count(*) from deputy.queue),
    (select count(*) from deputy.audit_log), (select count(*) from deputy.idempotency_claims),
    (select count(*) from deputy.idempotency_results)`)

it('a payment grants its credits once, however often its event comes', async () => {
  const payment = newPayment()
  const event = eventOf(payment)
  const first = await deliver(event)
  expect(first).toEqual({ status: 200, result: { success: true, data: { granted: 500 * CENTS } } })
  expect(await creditsOf(payment.userId)).toBe(500 * CENTS)
  for (const id of ['msg_1', 'msg_2']) expect(await deliver(event, { id })).toEqual(first)
  expect(await creditsOf(payment.userId)).toBe(500 * CENTS)
  const listed = await (await app.as(payment.userId)).records.payments.list({})
  expect(listed).toMatchObject({
    data: { records: [{ recordId: payment.paymentId, data: { amountCents: 500 } }] },
  })
  expect(await (await app.as('stranger')).records.payments.list({})).toMatchObject({ data: { records: [] } })
})

it('concurrent deliveries grant once', async () => {
  const payment = newPayment()
  const [same, another] = [eventOf(payment), eventOf(payment)]
  const events = [same, same, another, same, another, same]
  const answers = await Promise.all(events.map((event) => deliver(event)))
  expect(answers.map(({ status }) => status).filter((status) => status !== 200 && status !== 409)).toEqual([])
  for (const event of [same, another]) expect(await deliver(event)).toMatchObject({ status: 200 })
  expect(await creditsOf(payment.userId)).toBe(500 * CENTS)
})

it.each([
  [['pending', 'succeeded', 'failed'], 500 * CENTS, 'succeeded'],
  [['succeeded', 'pending'], 500 * CENTS, 'succeeded'],
  [['failed', 'pending'], 0, 'failed'],
  [['failed', 'succeeded', 'succeeded'], 500 * CENTS, 'succeeded'],
  [['pending'], 0, 'pending'],
])('events in the order %j grant %i', async (types, credits, status) => {
  const payment = newPayment()
  for (const type of types)
    expect(await deliver(eventOf(payment, `payment.${type}`))).toMatchObject({ status: 200 })
  expect(await creditsOf(payment.userId)).toBe(credits)
  expect(await statusOf(payment.paymentId)).toBe(status)
})

it('either secret signs while one takes the place of the other, and no other does', async () => {
  const [one, two] = [newPayment(), newPayment()]
  expect(await deliver(eventOf(one), { secret: SECRET })).toMatchObject({ status: 200 })
  expect(await deliver(eventOf(two), { secret: NEXT_SECRET })).toMatchObject({ status: 200 })
  expect(await deliver(eventOf(two), { secret: newSecret() })).toMatchObject({ status: 401 })
})

describe('what is refused writes nothing and leaves one line in the log', () => {
  const good = () => JSON.stringify(eventOf(newPayment()))
  it.each<[string, () => unknown, Sent, number]>([
    ['a wrong secret', good, { secret: newSecret() }, 401],
    ['a wrong signature', good, { signature: `v1,${randomBytes(32).toString('base64')}` }, 401],
    ['a signature of another length', good, { signature: 'v1,AAAA' }, 401],
    ['a signature of another version', good, { signature: `v2,${randomBytes(32).toString('base64')}` }, 401],
    ['no signature', good, { leftOut: 'webhook-signature' }, 401],
    ['no id', good, { leftOut: 'webhook-id' }, 401],
    ['no time', good, { leftOut: 'webhook-timestamp' }, 401],
    ['a time that is none', good, { timestamp: '1e9' }, 401],
    ['an old time', good, { age: 301 }, 401],
    ['a time to come', good, { age: -3_600 }, 401],
    ['no JSON', () => '{', {}, 400],
    ['no text', () => '\uD800', {}, 400],
    ['no event', () => '[]', {}, 400],
    ['an id that is no key', () => eventOf(newPayment(), undefined, 'a b'), {}, 400],
    ['no payment', () => ({ ...eventOf(newPayment()), data: {} }), {}, 400],
    [
      'another currency',
      () => ({ ...eventOf(newPayment()), data: { ...newPayment(), currency: 'eur' } }),
      {},
      400,
    ],
    ['a fraction of a cent', () => eventOf({ ...newPayment(), amountCents: 0.5 }), {}, 400],
    ['a body over the limit', () => ' '.repeat(2 ** 20 + 1), {}, 413],
  ])('%s', async (_what, body, sent, status) => {
    const before = await written()
    const lines = app.logged.length
    expect(await deliver(body(), sent)).toMatchObject({ status, result: { success: false } })
    expect(await written()).toEqual(before)
    expect(app.logged.slice(lines)).toMatchObject([{ msg: 'Route', route: '/webhooks/payments', status }])
  })
})

it('an event of another type is none of ours, and is not sent again', async () => {
  const before = await written()
  expect(await deliver({ id: 'evt_1', type: 'customer.created', data: {} })).toEqual({
    status: 200,
    result: { success: true, data: { ignored: true } },
  })
  expect(await written()).toEqual(before)
})

it('another payment under the id of an event is refused', async () => {
  const event = eventOf(newPayment())
  expect(await deliver(event)).toMatchObject({ status: 200 })
  const forged = { ...event, data: { ...event.data, amountCents: 999 } }
  expect(await deliver(forged)).toMatchObject({ status: 422 })
})

it('a delivery that is caught and sent again later is too old', async () => {
  await using moved = await createTestApp({ env: { PAYMENTS_WEBHOOK_SECRETS: SECRET } })
  const timestamp = String(Math.floor(Date.now() / 1_000))
  const event = eventOf(newPayment())
  expect(await deliver(event, { timestamp }, moved)).toMatchObject({ status: 200 })
  moved.clock.advance(DAY_MS)
  expect(await deliver(event, { timestamp }, moved)).toMatchObject({ status: 401 })
})

it('without a secret no delivery is let in', async () => {
  await using none = await createTestApp()
  expect(await deliver(eventOf(newPayment()), {}, none)).toMatchObject({ status: 401 })
})

it.each(['secret', 'whsec_short', `${SECRET},whsec_`])(
  'a secret that is none is refused (%s)',
  async (secrets) => {
    await expect(createTestApp({ env: { PAYMENTS_WEBHOOK_SECRETS: secrets } })).rejects.toThrow(/whsec_/)
  },
)

it('signatures are those of Standard Webhooks', () => {
  // As its library signs them.
  const headers = new Headers({
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  })
  const body = Buffer.from('{"test": 2432232314}')
  const at = new Date(1_614_265_330_000)
  const secrets = ['whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw']
  expect(isSigned({ headers, body }, secrets, at)).toBe(true)
  expect(isSigned({ headers, body: Buffer.from('{"test": 2432232315}') }, secrets, at)).toBe(false)
  for (const [seconds, isTaken] of [
    [300, true],
    [301, false],
    [-300, true],
    [-301, false],
  ] as const)
    expect(isSigned({ headers, body }, secrets, new Date(at.getTime() + seconds * 1_000))).toBe(isTaken)
})
