import { type InputHTMLAttributes, useId } from 'react'

interface FieldProps extends InputHTMLAttributes<HTMLInputElement> {
  readonly label: string
  readonly name: string
  /** What is wrong with what was entered. */
  readonly errors: Readonly<Record<string, string>>
}

/** An input with its label, and with what the server refused of it. */
export function Field({ label, errors, ...input }: FieldProps) {
  const id = useId()
  const error = errors[input.name]
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        {...input}
        id={id}
        aria-invalid={error !== undefined}
        aria-describedby={error === undefined ? undefined : `${id}-error`}
      />
      {error !== undefined && (
        <p id={`${id}-error`} className="field-error">
          {error}
        </p>
      )}
    </div>
  )
}
