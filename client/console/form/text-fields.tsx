import { useState } from 'react'
import { useTyped } from '../shell/typed.ts'
import { type InputProps, useForm } from './form-context.ts'
import { instantOf, localText } from './local-time.ts'

/** From here on text has a field of several lines. */
const LONG = 300

function attributes({ id, ...props }: InputProps) {
  return { id, 'aria-invalid': props['aria-invalid'], 'aria-describedby': props['aria-describedby'] }
}

/** Text. An optional field that is empty is not given. */
export function TextField(props: InputProps) {
  const { schema, value, onChange, isRequired } = props
  const text = value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
  const change = (typed: string) => onChange(typed === '' && !isRequired ? undefined : typed)
  const shared = { ...attributes(props), value: text, autoComplete: 'off' }
  if (schema.writeOnly || schema.secret)
    return <input {...shared} type="password" onChange={({ target }) => change(target.value)} />
  if (text.includes('\n') || (schema.maxLength ?? 0) > LONG)
    return <textarea {...shared} rows={3} onChange={({ target }) => change(target.value)} />
  return <input {...shared} onChange={({ target }) => change(target.value)} />
}

/** A number. What is none stays as it was typed, for the server to say what is wrong with it. */
export function NumberField(props: InputProps) {
  const { value, onChange } = props
  const [typed, setTyped] = useState(() => textOf(value))
  // What came from elsewhere, such as the raw JSON, goes before what was typed here.
  const text = numberOf(typed) === value ? typed : textOf(value)
  return (
    <input
      {...attributes(props)}
      inputMode="decimal"
      autoComplete="off"
      value={text}
      onChange={({ target }) => {
        setTyped(target.value)
        onChange(numberOf(target.value))
      }}
    />
  )
}

function numberOf(text: string): number | string | undefined {
  const trimmed = text.trim()
  if (trimmed === '') return undefined
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(trimmed) ? Number(trimmed) : text
}

function textOf(value: unknown): string {
  return value === undefined ? '' : typeof value === 'string' ? value : JSON.stringify(value)
}

/** A date and time, in the zone of the one who looks, with UTC beside it. */
export function InstantField(props: InputProps) {
  const { value, onChange } = props
  const date = typeof value === 'string' ? new Date(value) : undefined
  const isDate = date !== undefined && !Number.isNaN(date.getTime())
  // What is no date can only be shown as text.
  if (value !== undefined && !isDate) return <TextField {...props} isRequired={false} />
  return (
    <>
      <input
        {...attributes(props)}
        type="datetime-local"
        step={1}
        value={isDate ? localText(date) : ''}
        onChange={({ target }) => onChange(instantOf(target.value))}
      />
      <span className="small">{isDate ? date.toISOString() : 'in your time zone'}</span>
    </>
  )
}

/** Whatever has no field of its own, as JSON. */
export function JsonField(props: InputProps) {
  const { value, onChange, isRequired, path } = props
  const { name } = useForm()
  const typed = useTyped([...name, 'json', ...path], () => ({ text: jsonOf(value), of: jsonOf(value) }))
  // What came from elsewhere, such as the raw JSON, goes before what was typed here.
  const shown = typed.value.of === jsonOf(value) ? typed.value.text : jsonOf(value)
  const change = (text: string) => {
    const read = text.trim() === '' ? { value: undefined } : (parse(text) ?? { value })
    typed.change({ text, of: jsonOf(read.value) })
    onChange(read.value)
  }
  return (
    <>
      <textarea
        {...attributes(props)}
        className="code"
        rows={2}
        spellCheck={false}
        value={shown}
        placeholder={isRequired ? '{}' : ''}
        onChange={({ target }) => change(target.value)}
      />
      {shown.trim() !== '' && !parse(shown) && (
        <span className="issue">This is no JSON yet; the input is what it was before.</span>
      )}
    </>
  )
}

function jsonOf(value: unknown): string {
  return value === undefined ? '' : JSON.stringify(value)
}

function parse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return undefined
  }
}
