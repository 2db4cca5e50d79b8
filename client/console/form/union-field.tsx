import { useId } from 'react'
import { useTyped } from '../shell/typed.ts'
import { CompositeField } from './composite-fields.tsx'
import { type InputProps, useForm } from './form-context.ts'
import { PlainField } from './plain-field.tsx'
import { blankOf, type JsonSchema, kindOf, looksLike, nameOf } from './schema.ts'

/** A choice of what kind of value there is, and the field of that kind. */
export function UnionField({
  variants,
  ...props
}: InputProps & { readonly variants: readonly JsonSchema[] }) {
  const { value, onChange, isRequired, path } = props
  const { name, schemas } = useForm()
  const id = useId()
  const found = variants.findIndex((each) => looksLike(value, each, schemas))
  const { value: chosen, change: setChosen } = useTyped([...name, 'kind', ...path], () =>
    found < 0 ? (isRequired ? 0 : -1) : found,
  )
  // What is there goes before what was chosen: it may have come from the raw JSON.
  const kept = variants[chosen]
  const isKept = kept !== undefined && (value === undefined || looksLike(value, kept, schemas))
  const at = isKept || found < 0 ? chosen : found
  const variant = variants[at]
  const choose = (next: number) => {
    setChosen(next)
    const schema = variants[next]
    onChange(schema && blankOf(schema, schemas))
  }
  const input = variant && { ...props, schema: variant }
  const isComposite = variant && ['object', 'array'].includes(kindOf(variant))
  return (
    <>
      <label className="hidden" htmlFor={id}>
        Kind of {props.label}
      </label>
      <select id={id} value={at} onChange={({ target }) => choose(Number(target.value))}>
        {(!isRequired || at < 0) && <option value={-1}>Not given</option>}
        {variants.map((each, nth) => (
          <option key={nameOf(each, schemas)} value={nth}>
            {nameOf(each, schemas)}
          </option>
        ))}
      </select>
      {input && isComposite && <CompositeField {...input} />}
      {input && !isComposite && kindOf(input.schema) !== 'null' && (
        <>
          <label className="hidden" htmlFor={props.id}>
            {props.label}
          </label>
          <PlainField {...input} />
        </>
      )}
    </>
  )
}
