// Makes the tarballs that are published: the main package, which contains no binary, and one
// package for each platform whose binary has been built.
//
//   node scripts/pack.mjs [--out FOLDER] [--binaries FOLDER] [--all]
//
// --out       where to put the tarballs; dist/ by default
// --binaries  where the built .node files are, at any depth; the project's folder by default
// --all       fail if a platform's binary is missing, as a release must
//
// The package.json in a clone names no platform packages, because npm cannot find them before they
// are published with the main one. They are added here to the package.json that is published.
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { npm } from './npm.mjs'
// Ensures that the packed files are up to date with the source.
import './face.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    out: { type: 'string', default: join(root, 'dist') },
    binaries: { type: 'string' },
    all: { type: 'boolean', default: false },
  },
})
const out = resolve(options.out)
const work = mkdtempSync(join(tmpdir(), 'vectorizer-native-pack-'))
process.on('exit', () => rmSync(work, { recursive: true, force: true }))

const readJson = (path) => JSON.parse(readFileSync(path, 'utf8'))
const binaries = new Map(
  readdirSync(options.binaries ?? root, { recursive: options.binaries !== undefined })
    .filter((path) => path.endsWith('.node'))
    .map((path) => [basename(path), join(options.binaries ?? root, path)]),
)

/** The repository of a release: the registry refuses provenance that contradicts the package. */
function origin() {
  const { GITHUB_SERVER_URL: server, GITHUB_REPOSITORY: name } = process.env
  return server && name ? { repository: { type: 'git', url: `git+${server}/${name}.git` } } : {}
}

function pack(folder, manifest) {
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify({ ...manifest, ...origin() }, null, 2)}\n`)
  const [packed] = JSON.parse(npm(['pack', '--json', '--pack-destination', out], { cwd: folder }))
  const size = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`
  console.log(
    `${packed.filename}: ${size(packed.size)}, unpacked ${size(packed.unpackedSize)}, ${packed.entryCount} files`,
  )
}

function packPlatform(source) {
  const manifest = readJson(join(source, 'package.json'))
  const binary = binaries.get(manifest.main)
  if (!binary) return manifest.name
  const folder = join(work, basename(source))
  cpSync(source, folder, { recursive: true })
  copyFileSync(binary, join(folder, manifest.main))
  for (const name of ['LICENSE', 'THIRD-PARTY-LICENSES.txt'])
    copyFileSync(join(root, name), join(folder, name))
  pack(folder, { ...manifest, files: [...manifest.files, 'THIRD-PARTY-LICENSES.txt'] })
  return undefined
}

function packMain(platforms) {
  const { private: _, scripts, devDependencies, ...manifest } = readJson(join(root, 'package.json'))
  const folder = join(work, 'main')
  const [{ files }] = JSON.parse(npm(['pack', '--json', '--dry-run'], { cwd: root }))
  for (const { path } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    copyFileSync(join(root, path), join(folder, path))
  }
  const optionalDependencies = Object.fromEntries(platforms.map(({ name, version }) => [name, version]))
  pack(folder, { ...manifest, optionalDependencies })
}

mkdirSync(out, { recursive: true })
for (const name of readdirSync(out)) if (name.endsWith('.tgz')) rmSync(join(out, name))
const folders = readdirSync(join(root, 'npm')).map((name) => join(root, 'npm', name))
packMain(folders.map((folder) => readJson(join(folder, 'package.json'))))
const missing = folders.map(packPlatform).filter((name) => name !== undefined)
if (missing.length > 0) {
  console.log(`not built: ${missing.join(', ')}`)
  if (options.all) process.exitCode = 1
}
