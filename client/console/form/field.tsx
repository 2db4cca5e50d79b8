import { useId } from 'react'
import { CompositeField } from './composite-fields.tsx'
import { type FieldProps, type InputProps, useForm } from './form-context.ts'
import { PlainField } from './plain-field.tsx'
import { type JsonSchema, kindOf, resolved, variantsOf } from './schema.ts'
import { UnionField } from './union-field.tsx'

const NAMED: ReadonlySet<string> = new Set(['object', 'array'])

/** One place of an input: its label, its field, and what the server said of it. */
export function Field({ schema: given, label, isRequired, path, value, onChange }: FieldProps) {
  const { schemas, issuesAt } = useForm()
  const id = useId()
  const schema = resolved(given, schemas)
  const variants = variantsOf(schema, schemas)
  const issues = issuesAt(path)
  const isUnion = variants.length > 1
  const isGroup = !isUnion && NAMED.has(kindOf(schema))
  const input: InputProps = {
    id,
    schema,
    path,
    value,
    onChange,
    isRequired,
    label,
    'aria-invalid': issues.length > 0,
    'aria-describedby': `${id}-about`,
  }
  const about = (
    <div id={`${id}-about`} className="about">
      {issues.map((issue) => (
        <p key={issue} className="issue">
          {issue}
        </p>
      ))}
      {schema.description !== undefined && <p>{schema.description}</p>}
      {!isUnion && hintOf(schema) !== '' && <p>{hintOf(schema)}</p>}
    </div>
  )
  if (isGroup || isUnion)
    return (
      <fieldset aria-describedby={`${id}-about`}>
        <legend>
          {label} {!isRequired && <small>optional</small>}
        </legend>
        {about}
        {isUnion ? <UnionField {...input} variants={variants} /> : <CompositeField {...input} />}
      </fieldset>
    )
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {!isRequired && <small>optional</small>}
      </label>
      <PlainField {...input} />
      {about}
    </div>
  )
}

/** What a schema asks for, in a few words. */
function hintOf({ minimum, maximum, minLength, maxLength }: JsonSchema): string {
  const most = (max: number | undefined) =>
    max !== undefined && Math.abs(max) < 2 ** 31 - 1 ? max : undefined
  const between = (from: number | undefined, to: number | undefined, what: string) => {
    if (from === undefined && to === undefined) return ''
    if (to === undefined) return `at least ${from}${what}`
    return from === undefined ? `at most ${to}${what}` : `${from} to ${to}${what}`
  }
  return between(most(minimum), most(maximum), '') || between(minLength, most(maxLength), ' characters')
}
