import { describe, expect, it } from 'vitest'
import { answerShape } from './answer-shape.ts'
import { createRequestSource, fillIn } from './request-source.ts'

describe('the shape of an answer', () => {
  it('is the same whatever its values and the order of its keys', () => {
    const one = { success: true, data: { recordId: 'a', records: [{ n: 1, at: null }, { n: 2 }] } }
    const other = { data: { records: [{ at: null, n: 7 }, {}], recordId: 'b' }, success: false }
    // As text, which has an order.
    expect(JSON.stringify(answerShape(one))).toBe(JSON.stringify(answerShape(other)))
  })

  it.each([
    [{ count: 1 }, { count: '1' }],
    [{ count: 1 }, {}],
    [{ next: null }, { next: 'a' }],
    [[1], [1, 2]],
  ])('tells %j and %j apart', (one, other) => {
    expect(answerShape(one)).not.toEqual(answerShape(other))
  })
})

describe('a request', () => {
  const post = { method: 'POST', path: '/call', headers: { 'idempotency-key': '{id}' } } as const

  it('has its id in path, headers and body', () => {
    expect(fillIn({ ...post, path: '/call/{id}', body: '{"a":"{id}","b":"{id}"}' }, 'x-1')).toEqual({
      method: 'POST',
      path: '/call/x-1',
      headers: { 'idempotency-key': 'x-1' },
      body: '{"a":"x-1","b":"x-1"}',
    })
  })

  it('is made anew each time where it has an id', () => {
    const source = createRequestSource({ name: 'job', templates: [post] })
    if (!('setupRequest' in source)) throw new Error('The request is not made anew')
    const ids = [1, 2, 3].map(() => source.setupRequest({ port: 1 }))
    expect(ids).toEqual(
      [1, 2, 3].map((n) => ({ ...post, port: 1, headers: { 'idempotency-key': `job-${n}` } })),
    )
  })

  it('stays as it is where there is only one, without an id', () => {
    const plain = { ...post, headers: {} }
    expect(createRequestSource({ name: 'job', templates: [plain] })).toBe(plain)
  })
})
