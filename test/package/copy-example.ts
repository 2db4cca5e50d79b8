import { execFileSync } from 'node:child_process'
import { chmod, cp, mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isApp } from '../../server/cli/repository/app-paths.ts'
import { deputyCommand } from '../support/programs.ts'

const ROOT = resolve(import.meta.dirname, '../..')

/** Copies the example's server into an empty folder, where it runs on what is made of the sources of this repository. */
export async function copyExample(folder: string): Promise<void> {
  const listed = execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).split('\n')
  for (const file of listed.filter((file) => isApp(file) && !/^(?:client|test)\//.test(file))) {
    await mkdir(dirname(join(folder, file)), { recursive: true })
    await cp(join(ROOT, file), join(folder, file))
  }
  await linkModules(join(folder, 'node_modules'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  const compilerOptions = { typeRoots: [join(ROOT, 'node_modules/@types')], noEmit: true }
  const include = ['server', 'drizzle/*.ts', 'integrations.ts']
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions, include }),
  )
}

async function linkModules(modules: string): Promise<void> {
  await mkdir(join(modules, '.bin'), { recursive: true })
  for (const name of await readdir(join(ROOT, 'node_modules'))) {
    if (!name.startsWith('.')) await symlink(join(ROOT, 'node_modules', name), join(modules, name))
  }
  const { program, packageFolder } = await deputyCommand()
  await symlink(packageFolder, join(modules, 'deputyjs'))
  const command = join(modules, '.bin/deputy')
  await writeFile(command, `#!/bin/sh\nexec node ${program.join(' ')} "$@"\n`)
  await chmod(command, 0o755)
}
