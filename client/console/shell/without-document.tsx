import { Problem } from './problem.tsx'

/** Says why the app's document could not be read, and what to do. */
export function WithoutDocument({ title, error }: { readonly title: string; readonly error: Error }) {
  return (
    <>
      <h1>{title}</h1>
      <Problem error={error} />
      <p>The console reads the app’s document. With API_DOCS=off there is none: set it to users or public.</p>
    </>
  )
}
