// Prints the version, and fails unless all files that contain it agree.
//
//   node scripts/check-version.mjs [TAG] [--changes FILE]
//
// TAG        the released version, as v1.2.3: it must agree too, and the changelog must have a section on it
// --changes  the file for the changelog's section, to be used as release notes
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const root = new URL('..', import.meta.url)
const read = (path) => readFileSync(new URL(path, root), 'utf8')
const readJson = (path) => JSON.parse(read(path))

const { values: options, positionals } = parseArgs({
  options: { changes: { type: 'string' } },
  allowPositionals: true,
})
const [tag] = positionals

/** The changelog's section on a version: the rest of its heading, and its text. */
function section(version) {
  const sections = read('CHANGELOG.md').split(/^## /m).slice(1)
  const heading = (text) => text.slice(0, text.indexOf('\n'))
  const found = sections.find((text) => heading(text).split(' ')[0] === version)
  return (
    found && { note: heading(found).slice(version.length).trim(), text: found.slice(heading(found).length) }
  )
}

const { version } = readJson('package.json')
const lock = readJson('package-lock.json')
const crate = /^name = "vectorizer-native"\nversion = "(.*)"$/m
const others = {
  'package-lock.json': lock.version,
  'package-lock.json, packages': lock.packages[''].version,
  'Cargo.toml': crate.exec(read('Cargo.toml'))?.[1],
  'Cargo.lock': crate.exec(read('Cargo.lock'))?.[1],
}
for (const name of readdirSync(new URL('npm', root))) {
  const path = `npm/${name}/package.json`
  others[path] = readJson(path).version
}
if (tag !== undefined) others['the tag'] = tag.replace(/^v/, '')

const problems = Object.entries(others)
  .filter(([, other]) => other !== version)
  .map(([name, other]) => `${name}: ${other}, and package.json: ${version}`)
if (tag !== undefined && !tag.startsWith('v')) problems.push(`the tag: ${tag} does not begin with v`)
const changes = section(version)
if (!changes?.text.trim()) problems.push(`CHANGELOG.md: nothing on ${version}`)
else if (tag !== undefined && changes.note === '(unreleased)')
  problems.push(`CHANGELOG.md: ${version} is unreleased; put the date there`)

if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}
if (options.changes !== undefined) writeFileSync(options.changes, `${changes.text.trim()}\n`)
console.log(version)
