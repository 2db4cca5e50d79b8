import react from '@vitejs/plugin-react'
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  base: '/console/',
  plugins: [react()],
  build: {
    outDir: '../../dist/console',
    emptyOutDir: true,
    // What the licences of bundled packages ask for goes with them.
    license: { fileName: 'licences.md' },
    // The page's policy takes no script and no file that is written into the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
