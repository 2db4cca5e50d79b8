import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import react from '@vitejs/plugin-react'
import { defineConfig, type Plugin } from 'vite'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
/** Where `npm start` listens; `npm run dev` puts its own server in its place. */
const server = 'http://127.0.0.1:3000'

/** In development whoever opens the page picks a user, for whom the command signs a token. It is in no build. */
const developmentTokens: Plugin = {
  name: 'development-tokens',
  apply: 'serve',
  configureServer({ middlewares }) {
    middlewares.use('/development-token', async (request, response) => {
      const user = new URLSearchParams(request.url?.split('?')[1]).get('user') ?? ''
      // Of this page alone: another site must not get tokens of a developer's machine.
      const isOwn = request.headers['sec-fetch-site'] === 'same-origin'
      if (!isOwn || !/^\w{1,40}$/.test(user))
        return void response.writeHead(400).end('There is no such user.')
      try {
        const { stdout } = await promisify(execFile)('npm', ['run', '-s', 'token', '--', user], { cwd: ROOT })
        response.end(stdout.trim())
      } catch (error) {
        response.writeHead(500).end(String(error))
      }
    })
  },
}

export default defineConfig({
  root: import.meta.dirname,
  plugins: [react(), developmentTokens],
  server: {
    host: '127.0.0.1',
    proxy: Object.fromEntries(['/api', '/trpc', '/auth'].map((path) => [path, server])),
  },
  build: {
    outDir: `${ROOT}/dist/web`,
    emptyOutDir: true,
    // The page's policy takes no script and no file that is written into the page.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
})
