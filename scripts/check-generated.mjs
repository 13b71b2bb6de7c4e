// Fails if a generated file differs from the one that is committed or staged. `npm run build`, with
// which the tests begin, generates the files that depend on the addon; the others are generated
// here.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { npm } from './npm.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const generated = ['binding.js', 'binding.d.ts', 'index.d.ts', 'npm', 'docs/api']

for (const script of ['build:face', 'generate:rest'])
  npm(['run', '--silent', script], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] })
const args = ['status', '--porcelain', '--untracked-files=all', '--', ...generated]
const changed = execFileSync('git', args, { cwd: root, encoding: 'utf8' })
// The second letter is the difference from the staged version.
const stale = changed.split('\n').filter((line) => line !== '' && line[1] !== ' ')
if (stale.length > 0) {
  const names = stale.map((line) => line.slice(3)).join(', ')
  console.error(`stale: ${names}. Run "npm run generate" and commit the result.`)
  process.exit(1)
}
