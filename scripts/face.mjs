// Compiles `face/` to `lib/`, and bundles its typings into index.d.ts, which is committed, and into
// those of the two other entry points, which are only published. LangChain's types differ between
// CommonJS and ES modules, so its store has two versions of them.
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateDtsBundle } from 'dts-bundle-generator'

const root = fileURLToPath(new URL('..', import.meta.url))
const face = join(root, 'face')
const { resolve } = createRequire(import.meta.url)

/** The output of a Node.js program. */
function printed(program, args, input = '') {
  const child = spawnSync(process.execPath, [program, ...args], { cwd: root, input, encoding: 'utf8' })
  if (child.status !== 0) throw new Error(child.stdout + child.stderr)
  return child.stdout
}

/** TypeScript text in the project's style. */
const formatted = (text) =>
  printed(resolve('@biomejs/biome/bin/biome'), ['format', '--stdin-file-path=face/typings.ts'], text)

// Outputs of deleted source files would be published.
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
// Private members have no type, and would make the classes of two copies of the package
// incompatible.
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
