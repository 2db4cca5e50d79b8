import { createHash } from 'node:crypto'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Beside this file: what is ours, and, where it was built, what is of Swagger UI. */
const FOLDER = join(import.meta.dirname, 'reference')
/** Under which names they are in the folder of a build. The licence goes with them. */
const SWAGGER_UI_FILES: ReadonlyMap<string, string> = new Map([
  ['swagger-ui.js', 'swagger-ui-bundle.js'],
  ['swagger-ui.css', 'swagger-ui.css'],
])
const SWAGGER_UI_NOTICES = ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt']
const OWN_FILES = ['page.js', 'page.css']

/** The files that the page loads, in the order in which it does. */
export const REFERENCE_FILES = ['swagger-ui.css', 'page.css', 'swagger-ui.js', 'page.js'] as const
export type ReferenceFileName = (typeof REFERENCE_FILES)[number]

/** A file of the reference page, whole. */
export interface ReferenceFile {
  /** With the hash of its content, so that what is kept of it never goes stale: `page.1a2b3c4d5e6f.js`. */
  readonly name: string
  readonly contentType: string
  readonly bytes: Buffer
}

/** Reads a file of the reference page: of a build, or of the sources and Swagger UI's own package. */
export async function readReferenceFile(file: ReferenceFileName): Promise<ReferenceFile> {
  const bytes = await readFile(join(FOLDER, file)).catch((error: unknown) => {
    const name = SWAGGER_UI_FILES.get(file)
    if (name === undefined) throw error
    return readFile(swaggerUiPath(name))
  })
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12)
  const [stem, extension] = file.split('.')
  return {
    name: `${stem}.${hash}.${extension}`,
    contentType: extension === 'js' ? 'text/javascript; charset=utf-8' : 'text/css; charset=utf-8',
    bytes,
  }
}

/** Keeps all files of the reference page in a folder of compiled code. */
export async function keepReferenceFiles(folder: string): Promise<void> {
  const target = join(folder, 'reference')
  await mkdir(target, { recursive: true })
  for (const file of OWN_FILES) await cp(join(FOLDER, file), join(target, file))
  for (const [name, file] of SWAGGER_UI_FILES) await cp(swaggerUiPath(file), join(target, name))
  for (const file of SWAGGER_UI_NOTICES) await cp(swaggerUiPath(file), join(target, `swagger-ui.${file}`))
}

function swaggerUiPath(file: string): string {
  return fileURLToPath(new URL(file, import.meta.resolve('swagger-ui-dist/package.json')))
}
