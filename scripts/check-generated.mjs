// Fails when the committed generated files are not what the build makes of the source.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const generated = ['binding.js', 'index.d.ts']
const read = () => generated.map((file) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8'))
const before = read()
execFileSync('npm', ['run', '--silent', 'build'], { stdio: ['ignore', 'ignore', 'inherit'] })
const stale = generated.filter((_, i) => read()[i] !== before[i])
if (stale.length > 0) {
  console.error(`stale: ${stale.join(', ')}. Run "npm run build" and commit the result.`)
  process.exit(1)
}
