import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './shell/app.tsx'
import { connection, deputy } from './shell/deputy.ts'
import './shell/style.css'

const root = document.getElementById('root')
if (!root) throw new Error('index.html has no element "root"')
createRoot(root).render(
  <StrictMode>
    <deputy.Provider connection={connection}>
      <App />
    </deputy.Provider>
  </StrictMode>,
)
