// The script of `/docs`: reads the app's document, with a token where one is asked for, and shows it.
// The token is in this variable alone: nothing is stored, and it goes to the server that the page came from.
let bearer = ''

const { documents } = document.documentElement.dataset
const field = document.querySelector('#token')
const status = document.querySelector('#status')
const place = document.querySelector('#reference')

document.querySelector('#token-form').addEventListener('submit', (event) => {
  event.preventDefault()
  bearer = field.value.trim().replace(/^Bearer\s+/i, '')
  const isShown = place.childElementCount > 0
  if (isShown && documents === 'public') tell(bearer ? 'Requests are sent with this token.' : '')
  else showDocument()
})

const dark = matchMedia('(prefers-color-scheme: dark)')
const followTheme = () => document.documentElement.classList.toggle('dark-mode', dark.matches)
dark.addEventListener('change', followTheme)
followTheme()

if (documents === 'public') showDocument()
else tell('Names of actions are for users: paste a token. It is kept in this page alone, until it is closed.')

async function showDocument() {
  tell('Loading…')
  const read = await readDocument()
  if (read.problem !== undefined) return tell(read.problem)
  tell(bearer ? 'Requests are sent with this token.' : '')
  document.title = `${read.spec.info?.title ?? 'API'}: reference`
  window.SwaggerUIBundle({
    domNode: place,
    spec: read.spec,
    layout: 'BaseLayout',
    presets: [window.SwaggerUIBundle.presets.apis],
    plugins: [ownTokenField],
    validatorUrl: null,
    deepLinking: true,
    docExpansion: 'list',
    defaultModelsExpandDepth: 0,
    displayRequestDuration: true,
    filter: true,
    tryItOutEnabled: true,
    requestInterceptor: withToken,
  })
}

async function readDocument() {
  try {
    const headers = bearer ? { authorization: `Bearer ${bearer}` } : {}
    const response = await fetch('/openapi.json', { headers, cache: 'no-store', credentials: 'omit' })
    const body = await response.json()
    if (response.ok) return { spec: body }
    return {
      problem: typeof body.error === 'string' ? body.error : `The server answered ${response.status}.`,
    }
  } catch {
    return { problem: 'The document could not be read from this server.' }
  }
}

function withToken(request) {
  const isOwn = new URL(request.url, location.href).origin === location.origin
  if (bearer && isOwn) request.headers = { ...request.headers, Authorization: `Bearer ${bearer}` }
  request.credentials = 'omit'
  return request
}

/** The field at the top of the page is the one place for a token. */
function ownTokenField() {
  const nothing = () => null
  return { components: { authorizeBtn: nothing, authorizeOperationBtn: nothing } }
}

function tell(text) {
  status.textContent = text
}
