import { ok } from 'deputyjs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type ActionLimit, declaredLimit } from '../../server/limits/action-limit.ts'
import { action, internalAction } from '../fixture/deputy.ts'

// limits.md: action-rate

describe('the limit that an action declares', () => {
  it('counts calls of a user, as many at once as in the period', () => {
    expect(declaredLimit({ rate: 5, per: 'minute' })).toEqual({
      rate: { rate: 5, perMs: 60_000, burst: 5 },
      by: 'user',
      weight: 1,
    })
  })

  it('may say a burst, an address and a weight, or a weight alone', () => {
    expect(declaredLimit({ rate: 100, per: 'day', burst: 10, by: 'address', weight: 10 })).toEqual({
      rate: { rate: 100, perMs: 86_400_000, burst: 10 },
      by: 'address',
      weight: 10,
    })
    expect(declaredLimit({ weight: 20 })).toEqual({ rate: undefined, by: 'user', weight: 20 })
  })

  it.each<[object, string]>([
    [{ rate: 0, per: 'minute' }, 'meta.limit.rate is 0; it must be a whole number from 1 to 1000000'],
    [{ rate: 1.5, per: 'minute' }, 'meta.limit.rate is 1.5;'],
    [{ rate: Number.NaN, per: 'minute' }, 'meta.limit.rate is NaN;'],
    [{ rate: 1_000_001, per: 'day' }, 'meta.limit.rate is 1000001;'],
    [{ rate: 5 }, 'meta.limit.per is undefined; it must be one of second, minute, hour, day'],
    [{ rate: 5, per: 'week' }, 'meta.limit.per is "week"; it must be one of second, minute, hour, day'],
    [{ rate: 5, per: 'constructor' }, 'meta.limit.per is "constructor";'],
    [{ per: 'minute' }, 'meta.limit needs rate and per'],
    [{ burst: 5 }, 'meta.limit needs rate and per'],
    [{ by: 'address' }, 'meta.limit needs rate and per'],
    [{ rate: 5, per: 'minute', burst: -1 }, 'meta.limit.burst is -1;'],
    [{ rate: 5, per: 'minute', by: 'ip' }, `meta.limit.by is "ip"; it must be 'user' or 'address'`],
    [{ rate: 5, per: 'minute', weight: 6 }, 'meta.limit.weight is 6, more than the 5 that are taken at once'],
    [
      { rate: 5, per: 'minute', wieght: 2 },
      'meta.limit has no "wieght"; it has rate, per, burst, by, weight',
    ],
  ])('%j is refused where the action is defined', (limit, said) => {
    const define = () => action.input(z.strictObject({})).meta({ limit: limit as ActionLimit })
    expect(define).toThrow(said)
  })

  it('is none of what no client calls', () => {
    const define = () => internalAction.input(z.strictObject({})).meta({ limit: { rate: 1, per: 'day' } })
    expect(define).toThrow('no client calls an internalAction')
    expect(internalAction.input(z.strictObject({})).mutation(async () => ok({}))).toBeDefined()
  })
})
