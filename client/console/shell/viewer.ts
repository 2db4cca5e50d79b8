import { createContext, useContext } from 'react'

/** The one who looks. */
export interface Viewer {
  readonly userId: string
  readonly role: string
  readonly isOwner: boolean
}

export const ViewerContext = createContext<Viewer | undefined>(undefined)

/** Gives the one who looks. */
export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext)
  if (!viewer) throw new Error('A page is shown to no one')
  return viewer
}
