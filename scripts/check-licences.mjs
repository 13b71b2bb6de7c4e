// Fails if THIRD-PARTY-LICENSES.txt, which is shipped with every binary, lacks a crate that is
// linked into one.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const root = new URL('..', import.meta.url)
const read = (name) => readFileSync(new URL(name, root), 'utf8')
const targets = JSON.parse(read('package.json')).napi.targets.flatMap((target) => ['--target', target])
const tree = ['tree', '--locked', '--edges', 'normal', '--prefix', 'none', '--format', '{p}']
const crates = execFileSync('cargo', [...tree, ...targets], { cwd: root, encoding: 'utf8' })
const named = new Set(read('THIRD-PARTY-LICENSES.txt').split('\n'))
const linked = crates.matchAll(/^(\S+) v(\S+)/gm)
const missing = [...new Set(Array.from(linked, ([, name, version]) => `${name} ${version}`))]
  .filter((crate) => !named.has(crate))
  .sort()
if (missing.length > 0) {
  console.error(
    `THIRD-PARTY-LICENSES.txt lacks ${missing.join(', ')}. Run "npm run licences" and commit the result.`,
  )
  process.exit(1)
}
