/** What `GET /` shows where the app serves nothing there: someone has opened the server in a browser. */
export const FRONT_PAGE = `This is a Deputy server: call its actions at POST /api/actions/NAME with a Bearer token, or over tRPC at /trpc.
Its documentation is in the package deputyjs: README.md, and the folder docs beside it.
`

export const FRONT_PAGE_HEADERS = { 'content-type': 'text/plain; charset=utf-8' }

/** Whether a request asks for the front page. */
export function isFrontPage(method: string, path: string): boolean {
  return path === '/' && (method === 'GET' || method === 'HEAD')
}
