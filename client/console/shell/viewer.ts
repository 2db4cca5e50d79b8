import { createContext, useContext } from 'react'
import type { Me } from '../../../server/routers/users.ts'

/** The one who looks. */
export type Viewer = Omit<Me<unknown>, 'user'>

export const ViewerContext = createContext<Viewer | undefined>(undefined)

/** Gives the one who looks. */
export function useViewer(): Viewer {
  const viewer = useContext(ViewerContext)
  if (!viewer) throw new Error('A page is shown to no one')
  return viewer
}
