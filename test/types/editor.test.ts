import { join } from 'node:path'
import ts from 'ts5'
import { expect, it } from 'vitest'
import { temporaryDirectory } from '../support/guarded.ts'
import { generateApp } from './generated-app.ts'

const MAX_INSTANTIATIONS = 60_000

/** An editor asks about one file, and the compiler reads of others what it needs for that. */
async function instantiationsForUser(actions: number): Promise<number> {
  await using directory = await temporaryDirectory(`app-of-${actions}`)
  await generateApp(directory.path, actions)
  const config = ts.getParsedCommandLineOfConfigFile(join(directory.path, 'tsconfig.json'), undefined, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: (problem) => {
      throw new Error(String(problem.messageText))
    },
  })
  if (!config) throw new Error('There is no project')
  const program = ts.createProgram(config.fileNames, config.options)
  const user = program.getSourceFile(join(directory.path, 'user.ts'))
  if (!user || program.getSourceFiles().length < 100) throw new Error('Too few files were read')
  expect(program.getSemanticDiagnostics(user)).toEqual([])
  return program.getInstantiationCount()
}

it('a file that calls one action costs the compiler the same among any number of actions', async () => {
  const [few, many] = [await instantiationsForUser(4), await instantiationsForUser(44)]
  expect(few).toBeGreaterThan(0)
  expect(few).toBeLessThan(MAX_INSTANTIATIONS)
  expect(many).toBe(few)
}, 300_000)
