import type { InputProps } from './form-context.ts'
import { kindOf } from './schema.ts'
import { InstantField, JsonField, NumberField, TextField } from './text-fields.tsx'

/** A field without fields in it. */
export function PlainField(props: InputProps) {
  switch (kindOf(props.schema)) {
    case 'choice':
    case 'boolean':
      return <ChoiceField {...props} />
    case 'number':
      return <NumberField {...props} />
    case 'instant':
      return <InstantField {...props} />
    case 'text':
      return <TextField {...props} />
    case 'null':
      return <output id={props.id}>null</output>
    default:
      return <JsonField {...props} />
  }
}

function ChoiceField({ schema, value, onChange, isRequired, id, ...aria }: InputProps) {
  const choices = schema.enum ?? (schema.const === undefined ? [true, false] : [schema.const])
  const chosen = choices.indexOf(value)
  const isElse = chosen < 0 && value !== undefined
  return (
    <select
      id={id}
      value={chosen}
      aria-invalid={aria['aria-invalid']}
      aria-describedby={aria['aria-describedby']}
      onChange={({ target }) => onChange(choices[Number(target.value)])}
    >
      <option value={-1}>{isElse ? JSON.stringify(value) : isRequired ? 'Choose…' : 'Not given'}</option>
      {choices.map((choice, at) => (
        <option key={JSON.stringify(choice)} value={at}>
          {typeof choice === 'string' ? choice : JSON.stringify(choice)}
        </option>
      ))}
    </select>
  )
}
