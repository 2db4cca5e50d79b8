import type { Issue } from '../../core/index.ts'
import type { Path } from './form-context.ts'

/** Finds what the server said of one place of an input. */
export function issuesAt(issues: readonly Issue[], path: Path): readonly string[] {
  const wanted = JSON.stringify(path)
  return issues.flatMap(({ path: at, message }) => (JSON.stringify(at) === wanted ? [message] : []))
}
