import { type ComponentType, createContext, useContext } from 'react'
import type { TypedName } from '../shell/typed.ts'
import type { JsonSchema, Schemas } from './schema.ts'

/** A place in an input. */
export type Path = readonly (string | number)[]

/** What all fields of a form know. */
export interface FormParts {
  /** Under which what is typed into them is kept. */
  readonly name: TypedName
  readonly schemas: Schemas
  /** Shows one place of an input: fields have fields in them. */
  readonly Field: ComponentType<FieldProps>
  /** What the server said of a place. */
  issuesAt(path: Path): readonly string[]
}

export interface FieldProps {
  readonly schema: JsonSchema
  readonly label: string
  readonly isRequired: boolean
  readonly path: Path
  /** Undefined where it is not given. */
  readonly value: unknown
  /** @param value undefined takes it out */
  readonly onChange: (value: unknown) => void
}

/** What every input is given. */
export interface InputProps extends FieldProps {
  readonly id: string
  readonly 'aria-invalid': boolean
  readonly 'aria-describedby': string
}

export const FormContext = createContext<FormParts | undefined>(undefined)

export function useForm(): FormParts {
  const parts = useContext(FormContext)
  if (!parts) throw new Error('A field is in no form')
  return parts
}
