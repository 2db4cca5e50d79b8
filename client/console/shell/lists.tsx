import { addressOf } from './route.ts'

interface ListsProps {
  /** The page, as its address has it. */
  readonly page: string
  readonly label: string
  readonly lists: Readonly<Record<string, { readonly title: string }>>
  readonly shown: string
}

/** The links to the lists of a page. */
export function Lists({ page, label, lists, shown }: ListsProps) {
  return (
    <nav className="lists" aria-label={label}>
      {Object.entries(lists).map(([path, { title }]) => (
        <a key={path} href={addressOf(page, path)} aria-current={path === shown ? 'page' : undefined}>
          {title}
        </a>
      ))}
    </nav>
  )
}
