import { inspect } from 'node:util'
import { DrizzleQueryError } from 'drizzle-orm'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ErrorReports } from '../../server/core/error-reports.ts'

const SECRET = 'a-bound-value'
const quoting = (cause?: Error) => new DrizzleQueryError('insert into t values ($1)', [SECRET], cause)
const shown = (error: unknown) => inspect(error, { depth: 400, showHidden: true, maxArrayLength: null })

function listen() {
  const told: Error[] = []
  const reports = new ErrorReports((error) => void told.push(error), { error() {}, warn() {} } as never)
  return { told, report: (thrown: unknown) => reports.report(thrown, { kind: 'server' }) }
}

/** An error whose causes go in a circle, through one that quotes. */
function circle(): Error {
  const outer = new Error('outer')
  const inner = quoting(outer)
  outer.cause = inner
  return outer
}

function deep(levels: number, end: Error): Error {
  return Array.from({ length: levels }).reduce<Error>((cause) => new Error('level', { cause }), end)
}

const hiding: readonly (readonly [string, () => unknown])[] = [
  ['the error itself', () => quoting()],
  ['one that quotes another', () => quoting(quoting(new Error('reason')))],
  ['a cause', () => new Error('outer', { cause: quoting() })],
  ['a cause that is very deep', () => deep(200, quoting())],
  ['causes in a circle', circle],
  ['one of another name', () => Object.assign(quoting(), { name: 'Mine' })],
  ['one that is its own cause', () => Object.assign(quoting(), { cause: quoting() })],
  ['one of several errors', () => new AggregateError([new Error('a'), quoting()], 'several')],
  ['one of very many errors', () => new AggregateError([...Array(5_000).fill(new Error('a')), quoting()])],
  ['an object that is the cause', () => new Error('outer', { cause: { error: quoting() } })],
  ['a list that is the cause', () => new Error('outer', { cause: [[quoting()]] })],
  ['a map that is the cause', () => new Error('outer', { cause: new Map([['a', quoting()]]) })],
  ['a field', () => Object.assign(new Error('outer'), { originalError: quoting() })],
  ['a hidden field', () => Object.defineProperty(new Error('outer'), 'of', { value: quoting() })],
  ['the message', () => new Error(`outer: ${quoting().message}`)],
  ['the message of a cause', () => new Error('outer', { cause: new Error(quoting().message) })],
  ['the stack alone', () => Object.assign(new Error('outer'), { stack: String(quoting().stack) })],
  ['a text', () => quoting().message],
  ['a text that is the cause', () => new Error('outer', { cause: quoting().message })],
  [
    'the name and the code',
    () => Object.assign(new Error('a'), { name: quoting().message, code: quoting().message }),
  ],
]

describe('a statement’s values', () => {
  it.each(hiding)('are told to no one where they are in %s', (_where, make) => {
    const { told, report } = listen()
    expect(shown(make())).toContain(SECRET)
    report(make())
    expect(told).toHaveLength(1)
    expect(shown(told[0])).not.toContain(SECRET)
  })

  it('are taken out, and what else an error says is kept', () => {
    const { told, report } = listen()
    const error = new AggregateError([new Error('a'), quoting(new Error('reason'))], 'several', {
      cause: new Error('why'),
    })
    report(Object.assign(error, { code: 'E_SEVERAL' }))
    expect(told[0]).toMatchObject({
      name: 'AggregateError',
      message: 'several',
      code: 'E_SEVERAL',
      cause: { message: 'why' },
      errors: [{ message: 'a' }, { message: 'reason' }],
    })
    expect(told[0]?.stack).toContain('error-reports.test.ts')
  })
})

const hostile: readonly (readonly [string, () => unknown])[] = [
  ['no constructor', () => Object.defineProperty(new Error('odd'), 'constructor', { value: undefined })],
  ['no prototype', () => Object.setPrototypeOf(new Error('odd'), null)],
  ['a message that throws', () => Object.defineProperty(new Error(), 'message', { get: refuse })],
  ['a cause that throws', () => Object.defineProperty(new Error(), 'cause', { get: refuse })],
  ['a name that is none', () => Object.assign(new Error('odd'), { name: Symbol('name') })],
  ['a stack that throws', () => Object.defineProperty(new Error(), 'stack', { get: refuse })],
  ['a proxy that refuses everything', () => new Proxy(new Error(), new Proxy({}, { get: () => refuse }))],
  ['frozen', () => Object.freeze(circle())],
]

function refuse(): never {
  throw new Error('Refused')
}

describe('an error that is odd', () => {
  it.each(hostile)('is told, and throws into no call: %s', (_what, make) => {
    const { told, report } = listen()
    const thrown = make()
    report(thrown)
    report(thrown)
    expect(told).toHaveLength(1)
  })

  it('throws into no call where a hook throws it', async () => {
    const reports = new ErrorReports(
      () => {
        throw hostile[6]?.[1]()
      },
      {
        error: ({ err }: { readonly err: Error }) => err.message,
        warn() {},
      } as never,
    )
    reports.report(new Error('a'), { kind: 'server' })
    await expect(reports.settle(1_000)).resolves.toBeUndefined()
  })
})

it('is told once, whatever it holds and however it is copied', () => {
  const leaf = fc.constantFrom('plain', 'quoting', 'text', 'object', 'null')
  const tree = fc.letrec<{ node: unknown }>((tie) => ({
    node: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      leaf.map((kind) => of(kind)),
      fc.tuple(tie('node')).map(([cause]) => new Error('cause', { cause })),
      fc.tuple(tie('node')).map(([inner]) => new Error('object', { cause: { inner } })),
      fc.tuple(tie('node')).map(([inner]) => Object.assign(new Error('field'), { inner })),
      fc.array(tie('node'), { maxLength: 4 }).map((errors) => new AggregateError(errors, 'several')),
    ),
  })).node
  fc.assert(
    fc.property(tree, (held) => {
      const { told, report } = listen()
      const thrown = new Error('thrown', { cause: held })
      report(thrown)
      report(thrown)
      expect(told).toHaveLength(1)
      expect(shown(told[0])).not.toContain(SECRET)
      if (!shown(thrown).includes(SECRET)) expect(told[0]).toBe(thrown)
    }),
    { numRuns: 300 },
  )
})

function of(kind: string): unknown {
  if (kind === 'plain') return new Error('plain')
  if (kind === 'quoting') return quoting(new Error('reason'))
  if (kind === 'text') return quoting().message
  return kind === 'object' ? { a: 1 } : null
}
