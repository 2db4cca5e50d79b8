import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Bench, dataOf, mint, openBench } from './workbench.ts'

let bench: Bench
beforeAll(async () => {
  bench = await openBench()
})
afterAll(() => bench[Symbol.asyncDispose]())

const user = async (id: string) => dataOf(await bench.run((tools) => tools.get('users', id))).record

describe('registerUser', () => {
  it('registers the caller unless told whom, as a member', async () => {
    const ada = mint('ada')
    const registered = dataOf(await bench.run((tools) => tools.registerUser(), ada))
    expect(registered.user).toMatchObject({
      recordId: ada,
      createdBy: ada,
      version: 1,
      data: { name: null, email: null, imageUrl: null, role: 'member' },
    })
    expect(registered.user).toEqual(await user(ada))
  })

  it('merges: what is given is written, what is left out or undefined is kept', async () => {
    const ada = mint('ada')
    const email = 'ada@example.com'
    await bench.run((tools) => tools.registerUser({ name: 'Ada', email }), ada)
    const merged = await bench.run(
      (tools) => tools.registerUser({ imageUrl: 'https://a.example/x.png', name: undefined }),
      ada,
    )
    expect(dataOf(merged).user).toMatchObject({
      version: 2,
      data: { name: 'Ada', email, imageUrl: 'https://a.example/x.png', role: 'member' },
    })
  })

  it('registers somebody else, and keeps who did it first', async () => {
    const [ada, bob] = [mint('ada'), mint('bob')]
    await bench.run((tools) => tools.registerUser({ userId: bob, name: 'Bob' }), ada)
    await bench.run((tools) => tools.registerUser({ name: 'Robert' }), bob)
    expect(await user(bob)).toMatchObject({ createdBy: ada, version: 2, data: { name: 'Robert' } })
  })

  it('makes an admin, and never unmakes one', async () => {
    const ada = mint('ada')
    await bench.run((tools) => tools.registerUser({ isAdmin: true }), ada)
    for (const input of [{ isAdmin: false }, { name: 'Ada' }, {}])
      expect(dataOf(await bench.run((tools) => tools.registerUser(input), ada)).user.data.role).toBe('admin')
  })

  it('leaves a role that is neither as it is', async () => {
    const ada = mint('ada')
    await bench.run((tools) => tools.registerUser(), ada)
    await bench.execute(`update users set role = 'editor' where record_id = '${ada}'`)
    expect(
      dataOf(await bench.run((tools) => tools.registerUser({ isAdmin: false }), ada)).user.data.role,
    ).toBe('editor')
  })

  it('by many calls at once makes one row', async () => {
    const ada = mint('ada')
    const calls = Array.from({ length: 10 }, (_, call) =>
      bench.run((tools) => tools.registerUser({ name: `Ada ${call}` }), ada),
    )
    for (const result of await Promise.all(calls)) expect(result).toMatchObject({ success: true })
    expect(await user(ada)).toMatchObject({ version: 10 })
  })
})

describe('registerUser refuses', () => {
  it.each([
    ['an unknown key', { nickname: 'x' }, 'nickname'],
    ['the role itself', { role: 'admin' }, 'role'],
    ['a system field', { recordId: 'x' }, 'recordId'],
    ['what every object has', { constructor: 'x' }, 'constructor'],
    ['a string for isAdmin', { isAdmin: 'true' }, 'isAdmin'],
    ['1 for isAdmin', { isAdmin: 1 }, 'isAdmin'],
    ['a number for a name', { name: 5 }, 'name'],
    ['NUL in a name', { name: 'a\0' }, 'name'],
    ['a lone surrogate in an email', { email: '\ud800' }, 'email'],
    ['an empty id', { userId: '' }, 'recordId'],
    ['null for an id', { userId: null }, 'recordId'],
    ['null', null, 'registerUser takes'],
    ['a list', [], 'registerUser takes'],
    ['a string', 'ada', 'registerUser takes'],
  ])('%s, and the attempt stays usable', async (_what, input, named) => {
    const label = mint('label')
    const before = dataOf(await bench.run((tools) => tools.count('users')))
    const outcome = await bench.loose(async (tools) => {
      const refused = await tools.registerUser(input)
      dataOf(await tools.create('samples', { label }))
      return { success: true, data: refused }
    })
    expect(dataOf(outcome)).toMatchObject({ success: false, code: 'BAD_REQUEST' })
    expect((dataOf(outcome) as { error: string }).error).toContain(named)
    expect(dataOf(await bench.run((tools) => tools.count('users')))).toEqual(before)
  })
})
