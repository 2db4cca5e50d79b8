import { describe, expect, it } from 'vitest'
import { type BlockChanges, BlockedUsers } from '../../server/auth/blocked-users.ts'

/** A set whose readings are counted, on a clock and with answers of the test's own. */
function open(options: { isShared?: boolean; ownerUserId?: string } = {}) {
  const asked: number[] = []
  const failures: unknown[] = []
  const state = {
    nowMs: 10_000,
    answer: async (_since: number): Promise<BlockChanges> => ({ users: [], revision: 0 }),
  }
  const users = new BlockedUsers({
    isShared: options.isShared ?? true,
    ownerUserId: options.ownerUserId,
    load(since) {
      asked.push(since)
      return state.answer(since)
    },
    onLoadFailure: (error) => failures.push(error),
    nowMs: () => state.nowMs,
  })
  return { users, asked, failures, state }
}

const blocking = (revision: number, ...userIds: string[]): BlockChanges => ({
  users: userIds.map((userId) => ({ userId, isBlocked: true })),
  revision,
})
const many = async (users: BlockedUsers, calls: number) =>
  new Set(await Promise.all(Array.from({ length: calls }, () => users.admit('ada'))))

describe('who is blocked', () => {
  it('is read once for calls that come together, and not again for half a second', async () => {
    const { users, asked, state } = open()
    expect(await many(users, 200)).toEqual(new Set(['admitted']))
    state.nowMs += 499
    for (let call = 0; call < 200; call += 1) expect(users.recall('ada')).toBe('admitted')
    expect(asked).toEqual([0])
  })

  it('is read again beside the calls from half a second on, and before a call from a second on', async () => {
    const { users, asked, state } = open()
    await users.admit('ada')
    state.answer = async () => blocking(7, 'ada')
    state.nowMs += 999
    expect(users.recall('ada')).toBe('admitted')
    state.nowMs += 1_000
    expect(users.recall('ada')).toBeUndefined()
    expect(await users.admit('ada')).toBe('blocked')
    expect(asked.length).toBeLessThanOrEqual(3)
  })

  it('is read from the last revision on', async () => {
    const { users, asked, state } = open()
    state.answer = async () => blocking(7, 'ada', 'bob')
    expect(await users.admit('ada')).toBe('blocked')
    state.answer = async () => ({ users: [{ userId: 'ada', isBlocked: false }], revision: 8 })
    state.nowMs += 1_000
    expect(await users.admit('ada')).toBe('admitted')
    expect(await users.admit('bob')).toBe('blocked')
    expect(asked).toEqual([0, 7])
  })

  it('lets no call in by a reading that began more than a second before it', async () => {
    const { users, asked, state } = open()
    let answer: (changes: BlockChanges) => void = () => {}
    state.answer = () =>
      new Promise((resolve) => {
        answer = resolve
      })
    const first = users.admit('bob')
    state.nowMs += 5_000
    const second = users.admit('ada')
    state.answer = async () => blocking(1, 'ada')
    answer({ users: [], revision: 0 })
    expect(await second).toBe('blocked')
    expect(await first).toBe('admitted')
    expect(asked).toEqual([0, 0])
  })

  it('lets nobody but the owner in while it cannot be read, and asks once for all who wait', async () => {
    const { users, asked, failures, state } = open({ ownerUserId: 'owner' })
    state.answer = async () => Promise.reject(new Error('away'))
    expect(await many(users, 100)).toEqual(new Set(['unknown']))
    expect(users.recall('owner')).toBe('admitted')
    expect([asked.length, failures.length]).toEqual([1, 1])
    state.answer = async () => blocking(1, 'owner')
    expect(await users.admit('ada')).toBe('admitted')
    expect(await users.admit('owner')).toBe('admitted')
  })

  it('is not read again where there is one server, until it has changed there', async () => {
    const { users, asked, state } = open({ isShared: false })
    await users.admit('ada')
    state.nowMs += 3_600_000
    expect(users.recall('ada')).toBe('admitted')
    state.answer = async () => blocking(1, 'ada')
    await users.settle()
    expect(users.recall('ada')).toBe('blocked')
    expect(asked).toEqual([0, 0])
  })

  it('is read again by the next call where a change could not be read back', async () => {
    const { users, failures, state } = open({ isShared: false })
    expect(await users.admit('ada')).toBe('admitted')
    state.nowMs += 1
    state.answer = async () => Promise.reject(new Error('away'))
    await users.settle()
    expect(await users.admit('ada')).toBe('unknown')
    state.answer = async () => blocking(1, 'ada')
    expect(await users.admit('ada')).toBe('blocked')
    expect(failures.length).toBe(2)
  })
})
