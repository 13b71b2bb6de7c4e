// Compiles `face/` to `lib/`, and rolls its typings up: to index.d.ts, which is committed, and to
// those of the two entries beside it, which are published only. LangChain's types differ between
// CommonJS and ES modules, so that its store has them twice.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateDtsBundle } from 'dts-bundle-generator'

const root = fileURLToPath(new URL('..', import.meta.url))
const face = join(root, 'face')
const { resolve } = createRequire(import.meta.url)

/** What a program of Node.js prints. */
function printed(program, args, input = '') {
  const child = spawnSync(process.execPath, [program, ...args], { cwd: root, input, encoding: 'utf8' })
  if (child.status !== 0) throw new Error(child.stdout + child.stderr)
  return child.stdout
}

/** A text of TypeScript in the project's style. */
const formatted = (text) =>
  printed(resolve('@biomejs/biome/bin/biome'), ['format', '--stdin-file-path=face/typings.ts'], text)

// What a file that is gone has left there would be published.
rmSync(join(root, 'lib'), { recursive: true, force: true })
printed(resolve('typescript/bin/tsc'), ['--project', face])

const [rolledUp] = generateDtsBundle(
  [
    {
      filePath: join(face, 'index.ts'),
      libraries: { inlinedLibraries: [] },
      output: { inlineDeclareGlobals: true, exportReferencedTypes: false, noBanner: true },
    },
  ],
  { preferredConfigPath: join(face, 'tsconfig.json') },
)
// What is private has no type, and would set classes of two copies of the package apart.
const shown = rolledUp.replace(/^\s*#private;\n/gm, '')
writeFileSync(
  join(root, 'index.d.ts'),
  formatted(`// Made by "npm run build" from the source in face/.\n\n${shown}`),
)

for (const [entry, names] of [
  ['milvus', ['milvus.d.ts']],
  ['langchain', ['langchain.d.ts', 'langchain.d.mts']],
]) {
  const types = readFileSync(join(face, entry, 'types.ts'), 'utf8').replaceAll('../index.js', './index.js')
  for (const name of names) writeFileSync(join(root, name), types)
}
