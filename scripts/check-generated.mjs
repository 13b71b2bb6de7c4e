// Fails when the committed generated files are not what "npm run generate" makes of the source.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { npm } from './npm.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const generated = ['binding.js', 'index.d.ts', 'npm', 'docs/api']

function* files(path) {
  if (statSync(join(root, path)).isFile()) yield path
  else for (const name of readdirSync(join(root, path))) yield* files(`${path}/${name}`)
}
const read = () =>
  new Map(
    generated
      .flatMap((path) => [...files(path)])
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  )

const before = read()
npm(['run', '--silent', 'generate'], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
const after = read()
const stale = [...new Set([...before.keys(), ...after.keys()])].filter(
  (path) => before.get(path) !== after.get(path),
)
if (stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}. Run "npm run generate" and commit the result.`)
  process.exit(1)
}
