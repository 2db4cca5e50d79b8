import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { guarded } from '../support/guarded.ts'
import { COMPILERS } from '../types/compile.ts'

export interface EditorOptions {
  /** The project. */
  readonly directory: string
  /** The path of the file that is edited. */
  readonly file: string
  /** How often it is edited. */
  readonly times: number
}

/**
 * Milliseconds from an edit in a file until the language server of TypeScript 5.9 has said what is wrong in it, for
 * each edit. After an edit it knows the other files' syntax still, and no type.
 *
 * @throws {Error} when it finds something wrong, or ends.
 */
export async function editorAnswersMs({ directory, file, times }: EditorOptions): Promise<readonly number[]> {
  const server = join(COMPILERS['5.9'], 'lib/tsserver.js')
  const child = guarded(
    spawn(process.execPath, [server, '--disableAutomaticTypingAcquisition', '--suppressDiagnosticEvents'], {
      cwd: directory,
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  )
  const ended = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  let seq = 0
  const send = (command: string, options: object) => {
    seq += 1
    child.stdin.write(`${JSON.stringify({ seq, type: 'request', command, arguments: options })}\n`)
  }
  const diagnose = async () => {
    const askedAt = performance.now()
    send('semanticDiagnosticsSync', { file })
    for (;;) {
      const { done, value } = await lines.next()
      if (done) throw new Error('The language server ended before it answered')
      const answer = value.startsWith('{') ? JSON.parse(value) : undefined
      if (answer?.request_seq !== seq) continue
      if (!answer.success || answer.body.length > 0) throw new Error(`It finds wrong in ${file}: ${value}`)
      return performance.now() - askedAt
    }
  }
  try {
    send('open', { file })
    await diagnose()
    const start = { line: 1, offset: 1, endLine: 1, endOffset: 1 }
    const answers: number[] = []
    for (let time = 0; time < times; time += 1) {
      send('change', { file, ...start, insertString: `// ${time}\n` })
      answers.push(await diagnose())
    }
    return answers
  } finally {
    child.kill()
    await ended
  }
}
