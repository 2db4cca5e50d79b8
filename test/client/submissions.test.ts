import { MutationCache, QueryClient } from '@tanstack/react-query'
import { describe, expect, it } from 'vitest'
import { DeputyError } from '../../client/core/index.ts'
import { Submissions, submissionId } from '../../client/react/submissions.ts'

const PROCEDURE = { name: 'deputy', path: ['actions', 'pay'], asResult: false }
const NO_ANSWER = new DeputyError('The connection was lost')
const REFUSED = new DeputyError('No', { code: 'FORBIDDEN' })

/** Submissions with the keys that were sent, and mutations of a query client as the hooks make them. */
function open() {
  const queryClient = new QueryClient({ mutationCache: new MutationCache() })
  const submissions = new Submissions(queryClient.getMutationCache())
  const keys: string[] = []
  queryClient.getMutationCache().subscribe(({ type, mutation }) => {
    const isOver = mutation?.state.status === 'success' || mutation?.state.status === 'error'
    if (type === 'updated' && isOver) submissions.settle(PROCEDURE, mutation.state.variables)
  })
  const submit = (input: unknown, answer: () => Promise<unknown>) =>
    submissions.submit(PROCEDURE, input, (key) => {
      keys.push(key)
      return answer()
    })
  const mutate = (input: unknown, answer: () => Promise<unknown>, retry = 0) =>
    queryClient
      .getMutationCache()
      .build(queryClient, {
        mutationKey: ['deputy', 'actions', 'pay'],
        mutationFn: () => submit(input, answer),
        retry,
        retryDelay: 1,
      })
      .execute(input)
  return { keys, submit, mutate, distinct: () => new Set(keys).size }
}

const ok = async () => ({ success: true })
const lost = () => Promise.reject(NO_ANSWER)
const refused = () => Promise.reject(REFUSED)

describe('a submission', () => {
  it('is one request while it runs', async () => {
    const { keys, mutate } = open()
    const answers = await Promise.all([mutate({ a: 1, b: 2 }, ok), mutate({ b: 2, a: 1 }, ok)])
    expect([keys.length, answers[0] === answers[1]]).toEqual([1, true])
  })

  it('has one key in all its tries, and ends with its answer', async () => {
    const { keys, mutate, distinct } = open()
    let tries = 0
    const third = async () => {
      tries += 1
      if (tries < 3) throw REFUSED
      return ok()
    }
    await mutate({}, third, 5)
    expect([keys.length, distinct()]).toEqual([3, 1])
    await mutate({}, ok)
    await mutate({}, refused).catch(() => {})
    await mutate({}, ok)
    expect(distinct()).toBe(4)
  })

  it.each([
    ['fails without an answer', lost],
    [
      'fails with a code that says nothing of it',
      () => Promise.reject(new DeputyError('Away', { code: 'SERVICE_UNAVAILABLE' })),
    ],
    ['returns such a failure', async () => ({ success: false, error: 'Away', code: 'BAD_GATEWAY' })],
  ])('that %s keeps its key for the next one of the same input', async (_title, answer) => {
    const { mutate, distinct } = open()
    await mutate({ a: 1 }, answer).catch(() => {})
    await mutate({ a: 1 }, ok)
    expect(distinct()).toBe(1)
    await mutate({ a: 1 }, ok)
    await mutate({ a: 2 }, ok)
    expect(distinct()).toBe(3)
  })

  it('works the same without a mutation of the query client', async () => {
    const { submit, keys, distinct } = open()
    await Promise.all([submit({}, ok), submit({}, ok)])
    expect(keys).toHaveLength(1)
    await submit({}, ok)
    expect(distinct()).toBe(2)
  })

  it('that has no answer is forgotten once there are a hundred newer ones', async () => {
    const { mutate, distinct, keys } = open()
    for (let input = 0; input <= 100; input += 1) await mutate({ input }, lost).catch(() => {})
    const before = distinct()
    await mutate({ input: 100 }, ok)
    expect(distinct()).toBe(before)
    await mutate({ input: 0 }, ok)
    expect([distinct(), keys.length]).toEqual([before + 1, 103])
  })
})

it('inputs are the same by what they hold', () => {
  const id = (input: unknown) => submissionId(PROCEDURE, input)
  const at = new Date(0)
  expect(id({ a: at, b: [1n] })).toBe(id({ b: [1n], a: new Date(0) }))
  const different = [undefined, {}, { a: at }, { a: at.toISOString() }, { a: 1n }, { a: '1' }, { a: 1 }, [1]]
  expect(new Set(different.map(id)).size).toBe(different.length)
  expect(submissionId({ ...PROCEDURE, path: ['actions', 'other'] }, {})).not.toBe(id({}))
})
