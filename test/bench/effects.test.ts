import { describe, expect, it } from 'vitest'
import { wrongEffects } from './effects.ts'

const NONE = { events: 0, attendees: 0, places: 0, audit: 0, keys: 0, charges: 0, provider: 0 }

describe('the effects of calls', () => {
  it('are right when each call left what it should', () => {
    const before = { ...NONE, events: 7, audit: 5 }
    expect(wrongEffects(before, { ...NONE, events: 17, audit: 15 }, { events: 1, audit: 1 }, 10)).toEqual([])
  })

  it('are wrong when something is missing, is there twice, or was not to be there', () => {
    const after = { ...NONE, events: 9, audit: 11, charges: 1 }
    expect(wrongEffects(NONE, after, { events: 1, audit: 1 }, 10)).toEqual([
      'events grew by 9 instead of 10',
      'audit grew by 11 instead of 10',
      'charges grew by 1 instead of 0',
    ])
  })
})
