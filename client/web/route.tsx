import { type ReactNode, useSyncExternalStore } from 'react'

const MOVED = 'popstate'

function subscribe(listener: () => void): () => void {
  addEventListener(MOVED, listener)
  return () => removeEventListener(MOVED, listener)
}

/** The path of the address that is shown. */
export function usePath(): string {
  return useSyncExternalStore(subscribe, () => location.pathname)
}

/** Shows another address of the app. */
export function go(path: string): void {
  history.pushState(null, '', path)
  dispatchEvent(new PopStateEvent(MOVED))
  scrollTo(0, 0)
}

interface LinkProps {
  readonly to: string
  readonly className?: string
  readonly children: ReactNode
}

/** A link within the app, which opens without loading the page anew. */
export function Link({ to, className, children }: LinkProps) {
  return (
    <a
      href={to}
      className={className}
      onClick={(event) => {
        // What asks for another tab or window is the browser's.
        if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
        event.preventDefault()
        go(to)
      }}
    >
      {children}
    </a>
  )
}
