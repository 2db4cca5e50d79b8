import { describe, expect, it } from 'vitest'
import { printWrittenType } from '../../server/cli/type-text.ts'

const ADDRESS = ['`', '{string}@', '{string}`'].join('$')
const print = (text: string) => printWrittenType(text, 'actions.x')

describe('a type that the compiler wrote', () => {
  it.each([
    ['WrittenLeaf<string>', 'string'],
    ['WrittenLeaf<true> | WrittenLeaf<false> | undefined', 'boolean | undefined'],
    [
      'WrittenLeaf<void> | undefined | WrittenLeaf<null> | WrittenLeaf<"b"> | WrittenLeaf<"a">',
      "'a' | 'b' | null | undefined | void",
    ],
    ['(WrittenLeaf<"b"> | WrittenLeaf<"a">)[]', "('a' | 'b')[]"],
    ['(WrittenLeaf<true> | WrittenLeaf<false>)[]', 'boolean[]'],
    ['readonly (readonly WrittenDate[])[]', 'readonly (readonly Date[])[]'],
    ['WrittenLeaf<10n> | WrittenLeaf<-1.5>', '-1.5 | 10n'],
    [`WrittenLeaf<${ADDRESS}>`, ADDRESS],
    [String.raw`WrittenLeaf<"it's \"\u00fc\"\n">`, String.raw`'it\'s "ü"\n'`],
    [
      '{ b: WrittenJson; readonly a?: WrittenLeaf<number>; readonly: WrittenDate }',
      '{ readonly a?: number; b: JsonValue; readonly: Date }',
    ],
    ['{ [x: string]: WrittenLeaf<bigint>; }', '{ [key: string]: bigint }'],
    ['{ "a-b": WrittenLeaf<1>; }', "{ 'a-b': 1 }"],
    ['{}', '{}'],
    ['[a: WrittenLeaf<1>, b?: WrittenLeaf<2>, ...rest: WrittenLeaf<3>[]]', '[a: 1, b?: 2, ...rest: 3[]]'],
    ['[WrittenLeaf<1>, (WrittenLeaf<2> | undefined)?]', '[1, (2 | undefined)?]'],
    ['WrittenFailure | WrittenSuccess<WrittenLeaf<1>>', 'ActionResult<1>'],
    ['WrittenSuccess<WrittenLeaf<1>>', 'Success<1>'],
    [
      'WrittenSuccess<WrittenLeaf<1>> | WrittenFailure | WrittenSuccess<WrittenLeaf<2>>',
      'Failure | Success<1> | Success<2>',
    ],
    ['WrittenPage<WrittenEnvelope<{ a: any; }>>', 'Page<RecordEnvelope<{ a: any }>>'],
  ])('%s is printed', (text, printed) => {
    expect(print(text)).toBe(printed)
  })

  it.each([
    [
      '{ a: { b: /*elided*/ any; }; }',
      'actions.x has a type that contains itself, or more than ten levels of fields',
    ],
    ['{ a: { b: WrittenRefusal<"a Map">; }; }', 'actions.x.a.b is a Map, which no call carries'],
    [
      '{ a: import("./secret.ts").Secret; }',
      'actions.x.a has the type Secret of ./secret.ts, which clients do not have',
    ],
    ['{ a: Secret; }', 'actions.x.a has the type Secret, which clients do not have'],
    ['{ [unique]: WrittenLeaf<1>; }', 'actions.x has a field that is no text: [unique]'],
    [
      '{ a: WrittenLeaf<1> & WrittenLeaf<2>; }',
      'actions.x.a is an intersection of types that are no objects',
    ],
    ['{ a: @; }', 'actions.x has a part that is not understood: @; }'],
    ['WrittenLeaf<1> WrittenLeaf<2>', 'actions.x has a part that is not understood: WrittenLeaf'],
  ])('%s is refused', (text, problem) => {
    expect(() => print(text)).toThrow(problem)
  })
})
