import { randomUUID } from 'node:crypto'
import { actionRegistry, ok } from 'deputyjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { action, roleAction } from '../fixture/deputy.ts'
import { createTestApp } from '../support/test-app.ts'

const nothing = z.strictObject({})
const actions = actionRegistry({
  edit: roleAction('editor')
    .input(nothing)
    .mutation(async () => ok('edited')),
  publish: roleAction('publisher')
    .input(nothing)
    .mutation(async () => ok('published')),
  whoami: action.input(nothing).query(async ({ ctx }) => ok(await ctx.role())),
  claims: action.input(nothing).query(async ({ ctx }) => {
    const { claims } = ctx
    const isChanged = Reflect.set(claims, 'a', 1) || Reflect.set(claims, 'sub', 'eve')
    return ok({ claims, isChanged, isDeep: Object.isFrozen(claims.realm_access) })
  }),
})

const open = () => createTestApp({ actions, roleClaim: 'realm_access.roles' })
let app: Awaited<ReturnType<typeof open>>
beforeAll(async () => {
  app = await open()
})
afterAll(() => app[Symbol.asyncDispose]())

const claiming = (roles: unknown) => ({ realm_access: { roles } })
const roleOf = async (userId: string, roles: unknown) => {
  const answer = await (await app.as(userId, claiming(roles))).actions.whoami({})
  return answer.data
}

describe('the role of a user without one in their row', () => {
  it.each<[unknown, string]>([
    [['offline_access', 'editor'], 'editor'],
    ['editor', 'editor'],
    [['editor', 'publisher'], 'editor'],
    [['publisher', 'editor'], 'editor'],
    [['viewer', 'member', 'publisher'], 'publisher'],
    [['viewer', 'member'], 'member'],
    [['viewer'], 'viewer'],
    [['admin', 'editor'], 'admin'],
    [['chief'], 'member'],
    ['editor publisher', 'member'],
    [['Editor'], 'member'],
    [[['editor']], 'member'],
    [{ editor: true }, 'member'],
    [['__proto__', 'constructor', 1, null], 'member'],
    [undefined, 'member'],
  ])('that claims %j is %s', async (roles, role) => {
    expect(await roleOf(randomUUID(), roles)).toBe(role)
    const registered = randomUUID()
    await (await app.as(registered, { name: 'A' })).users.register()
    expect(await roleOf(registered, roles)).toBe(role)
  })

  it('decides at the gate, in users.me, and by the token of each call', async () => {
    const user = randomUUID()
    const editor = await app.as(user, claiming(['editor']))
    expect(await editor.actions.edit({})).toEqual(ok('edited'))
    await expect(editor.actions.publish({})).rejects.toMatchObject({ code: 'FORBIDDEN' })
    expect(await editor.users.me()).toMatchObject({ data: { role: 'editor', user: null } })
    await expect((await app.as(user)).actions.edit({})).rejects.toMatchObject({ code: 'FORBIDDEN' })
  })
})

it('a role in the row wins over the token, from the next call on; the owner is admin whatever is claimed', async () => {
  const user = randomUUID()
  const editor = await app.as(user, { name: 'A', ...claiming(['editor']) })
  await editor.users.register()
  expect(await editor.actions.edit({})).toEqual(ok('edited'))
  const owner = await app.as('owner', claiming(['viewer']))
  expect(await owner.users.setRole({ userId: user, role: 'viewer' })).toMatchObject({ success: true })
  await expect(editor.actions.edit({})).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(await roleOf(user, ['admin'])).toBe('viewer')
  expect(await roleOf('owner', ['viewer'])).toBe('admin')
  await owner.users.setRole({ userId: user, role: 'member' })
  expect(await roleOf(user, ['editor'])).toBe('editor')
})

it('without a name for it no claim says a role', async () => {
  await using plain = await createTestApp({ actions })
  const caller = await plain.as('ada', { role: 'editor', roles: ['editor'], ...claiming(['editor']) })
  expect(await caller.actions.whoami({})).toEqual(ok('member'))
})

it('ctx.claims is all that the token says, frozen to its depths, and no line of the log has it', async () => {
  const canary = `canary-${randomUUID()}`
  const caller = await app.as('ada', { ...claiming(['editor']), note: canary, list: [{ deep: 1 }] })
  const answer = await caller.actions.claims({})
  expect(answer).toMatchObject({
    data: { isChanged: false, isDeep: true, claims: { sub: 'ada', note: canary, list: [{ deep: 1 }] } },
  })
  expect(JSON.stringify(app.logged)).not.toContain(canary)
})
