import { type Schema, shapeOf } from '../zod-schema.ts'

/** Whether a schema is described as what is sent for it, or as what is answered. */
export type Io = 'input' | 'output'

const absences = { input: new WeakMap<Schema, boolean>(), output: new WeakMap<Schema, boolean>() }

/**
 * Whether nothing may stand where a schema does: whether it takes the absence of a key, or gives undefined, which is not
 * sent. Zod's own answer is that of the types, and of those who may write anything. Computed once per schema.
 */
export function mayBeAbsent(schema: Schema, io: Io): boolean {
  const known = absences[io]
  const found = known.get(schema)
  if (found !== undefined) return found
  const inPlace = new Set([schema])
  for (const next of inPlace) for (const part of partsOfValue(next, io)) inPlace.add(part)
  const absent = new Set<Schema>()
  // What a schema is made of mostly comes after it. One that is made of itself may need another look.
  const inner = [...inPlace].reverse()
  for (let before = -1; absent.size > before; ) {
    before = absent.size
    for (const each of inner) if (isAbsent(each, io, absent)) absent.add(each)
  }
  for (const each of inPlace) known.set(each, absent.has(each))
  return absent.has(schema)
}

/** The schemas that the same value meets. */
function partsOfValue(schema: Schema, io: Io): readonly Schema[] {
  const shape = shapeOf(schema)
  switch (shape.kind) {
    case 'wrapper':
    case 'promise':
    case 'lazy':
      return [shape.inner]
    case 'union':
      return shape.options
    case 'intersection':
      return [shape.left, shape.right]
    case 'pipe':
      return [io === 'input' ? shape.in : shape.out]
    default:
      return []
  }
}

/** Whether a schema may be absent, by those of its parts that may be. */
function isAbsent(schema: Schema, io: Io, absent: ReadonlySet<Schema>): boolean {
  if ((io === 'input' ? schema._zod.optin : schema._zod.optout) !== undefined) return true
  const shape = shapeOf(schema)
  const { def } = schema._zod
  switch (shape.kind) {
    case 'anything':
    case 'transform':
    case 'unrecognized':
      return true
    case 'leaf':
      return shape.type === 'undefined' || shape.type === 'void' || (io === 'input' && 'coerce' in def)
    case 'literal':
      return shape.values.includes(undefined)
    case 'wrapper':
      // The others of these have an answer of their own above.
      return (shape.type === 'nullable' || shape.type === 'readonly') && absent.has(shape.inner)
    case 'union':
      return shape.options.some((option) => absent.has(option))
    case 'intersection':
      return absent.has(shape.left) && absent.has(shape.right)
    case 'pipe':
      return absent.has(io === 'input' ? shape.in : shape.out)
    case 'success':
      return io === 'input'
    case 'promise':
    case 'lazy':
      return absent.has(shape.inner)
    case 'object':
    case 'record':
    case 'map':
    case 'array':
    case 'set':
    case 'tuple':
    case 'template':
    case 'function':
      return false
    default:
      return shape satisfies never
  }
}

/** Whether a key of an object, or a place at the end of a tuple, may be left out: even what takes anything wants its key. */
export function mayBeLeftOut(schema: Schema, io: Io): boolean {
  return io === 'input' ? schema._zod.optin !== undefined : mayBeAbsent(schema, io)
}
