import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { createParse } from '../../server/wire/parse.ts'

const SCHEMA = z.strictObject({
  title: z.string(),
  capacity: z.number().optional(),
  place: z.strictObject({ street: z.string(), city: z.string() }).optional(),
  code: z.strictObject({ secretPin: z.string() }).meta({ secret: true }).optional(),
})

async function messagesOf(input: unknown, schema: z.ZodType = SCHEMA): Promise<string[]> {
  const parsed = await createParse(schema)(input)
  if (parsed.success) throw new Error('The input was taken')
  return parsed.issues.map(({ path, message }) => [...path, message].join(': '))
}

describe('a key that a schema does not know', () => {
  it.each<[string, unknown, readonly string[]]>([
    [
      'comes before the key that is missing for it, and is told which was meant',
      { titel: 'Launch' },
      ['Unrecognized key: "titel"; did you mean "title"?', 'title: is required'],
    ],
    [
      'is told of with others',
      { titel: 'Launch', capacty: 5, colour: 'red' },
      [
        'Unrecognized keys: "titel", "capacty", "colour"; did you mean "title", "capacity"?',
        'title: is required',
      ],
    ],
    [
      'comes first where it is deeper',
      { place: { stret: 'x', city: 'y' } },
      [
        'place: Unrecognized key: "stret"; did you mean "street"?',
        'title: is required',
        'place: street: is required',
      ],
    ],
    [
      'was not meant for one that was sent as well',
      { title: 'Launch', titles: 'x' },
      ['Unrecognized key: "titles"'],
    ],
    [
      'is near to none',
      { title: 'Launch', place2: 'x', colour: 'y' },
      ['Unrecognized keys: "place2", "colour"; did you mean "place"?'],
    ],
    [
      'tells nothing of what is secret',
      { title: 'Launch', code: { secretPim: 'x' } },
      ['code: Invalid input', 'code: secretPin: is required'],
    ],
    ['is no key of every object', { title: 'Launch', constructo: 'x' }, ['Unrecognized key: "constructo"']],
  ])('%s', async (_what, input, messages) => {
    expect(await messagesOf(input)).toEqual(messages)
  })

  it('comes first among more issues than are told', async () => {
    const many = z.strictObject({ all: z.array(z.number()), one: z.string() })
    const [first] = await messagesOf({ all: Array.from({ length: 30 }, () => 'x'), ones: 'y' }, many)
    expect(first).toBe('Unrecognized key: "ones"; did you mean "one"?')
  })

  it('is told in the words of the app where it has some', async () => {
    const worded = z.strictObject({ title: z.string() }, { error: () => 'Nope' })
    expect(await messagesOf({ title: 'x', titel: 'y' }, worded)).toEqual(['Nope'])
  })
})
