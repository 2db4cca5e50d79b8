import { Window } from 'happy-dom'
import { afterAll } from 'vitest'

// Runs before the tests of every file of the project `rendered`, whose files have a process each: React and TanStack Query
// look for a document when they are imported. What else the window has, such as its fetch, stays in it.
const window = new Window({ url: 'http://127.0.0.1/' })
const NAMES = [
  'navigator',
  'document',
  'HTMLElement',
  'HTMLIFrameElement',
  'Element',
  'Node',
  'MutationObserver',
] as const
Object.assign(globalThis, { window, IS_REACT_ACT_ENVIRONMENT: true })
for (const name of NAMES)
  Object.defineProperty(globalThis, name, { value: window[name], configurable: true, writable: true })
afterAll(() => window.happyDOM.close())
