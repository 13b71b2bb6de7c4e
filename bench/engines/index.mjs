import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * Every engine that is measured.
 *
 * - `name`: in `--engines` and in progress messages
 * - `label`: in reports
 * - `packages`: its npm packages
 * - `module`: the file in this folder that opens it, if it has another name; `options` are passed to `open`
 * - `storage`: where it keeps vectors, `memory` or `disk`; `either` depends on the mode
 * - `modes`: the modes that compare it
 * - `isExact`: it has no index
 * - `maxRows`: the most rows for which it is fast enough
 * - `cannotReopen`: its file stays locked until its process ends
 */
export const ENGINES = [
  {
    name: 'ours',
    label: 'vectorizer-native',
    packages: ['vectorizer-native'],
    storage: 'either',
    modes: ['memory', 'disk', 'peers', 'churn', 'limit'],
  },
  {
    name: 'ours-disk',
    label: 'vectorizer-native, on disk',
    packages: ['vectorizer-native'],
    module: 'ours',
    storage: 'disk',
    modes: ['churn'],
  },
  {
    name: 'zvec',
    label: '@zvec/zvec',
    packages: ['@zvec/zvec'],
    storage: 'disk',
    modes: ['memory', 'disk', 'peers', 'churn', 'limit'],
  },
  {
    name: 'usearch',
    label: 'usearch',
    packages: ['usearch'],
    storage: 'memory',
    modes: ['peers', 'churn'],
  },
  {
    name: 'hnswlib',
    label: 'hnswlib-node',
    packages: ['hnswlib-node'],
    storage: 'memory',
    modes: ['memory', 'peers', 'churn'],
  },
  {
    name: 'hnswlib-replacing',
    label: 'hnswlib-node, replacing',
    packages: ['hnswlib-node'],
    module: 'hnswlib',
    options: { replaceDeleted: true },
    storage: 'memory',
    modes: ['churn'],
  },
  {
    name: 'lancedb',
    label: '@lancedb/lancedb',
    packages: ['@lancedb/lancedb', 'apache-arrow'],
    storage: 'disk',
    modes: ['disk', 'peers'],
  },
  {
    name: 'sqlite-vec',
    label: 'sqlite-vec',
    packages: ['sqlite-vec', 'better-sqlite3'],
    storage: 'disk',
    modes: ['disk', 'peers'],
    isExact: true,
  },
  {
    name: 'ruvector',
    label: '@ruvector/core',
    packages: ['@ruvector/core'],
    storage: 'disk',
    modes: ['peers'],
    maxRows: 20_000,
    cannotReopen: true,
  },
  {
    name: 'pglite',
    label: '@electric-sql/pglite',
    packages: ['@electric-sql/pglite', '@electric-sql/pglite-pgvector'],
    storage: 'disk',
    modes: ['peers'],
    maxRows: 5_000,
  },
  {
    name: 'vectra',
    label: 'vectra',
    packages: ['vectra'],
    storage: 'disk',
    modes: ['peers'],
    isExact: true,
    maxRows: 2_000,
  },
]

/** The ladder: the sizes of the candidate list, from the narrowest search to the widest. */
const EFS = [10, 16, 24, 32, 48, 64, 96, 128, 192]

/** Defaults for what an engine's module does not define. */
const STORE = { query: (vector) => vector, async index() {}, async close() {} }

export const engineOf = (name) => ENGINES.find((engine) => engine.name === name)

/** The names of a mode's engines; a mode that compares nothing has only ours. */
export function namesIn(mode) {
  const names = ENGINES.filter(({ modes }) => modes.includes(mode)).map(({ name }) => name)
  return names.length > 0 ? names : ['ours']
}

/** The engine with its `open`; this loads its packages into the process. */
export async function load(name) {
  const engine = engineOf(name)
  const module = await import(`./${engine.module ?? name}.mjs`)
  const efs = engine.isExact ? [null] : EFS
  const open = async (options) => ({
    ...STORE,
    efs,
    ...(await module.open({ ...options, ...engine.options })),
  })
  return { ...engine, open }
}

/** The engine's packages with their versions. */
export function versionOf({ packages }) {
  const named = packages.map((name) => {
    const { version } = JSON.parse(readFileSync(join(folderOf(name), 'package.json'), 'utf8'))
    return `${name} ${version}`
  })
  return named.join(' with ')
}

/** The folder of a package: ours is this project, and the others are installed in the benchmark's folder. */
export function folderOf(name) {
  const bench = resolve(import.meta.dirname, '..')
  return name === 'vectorizer-native' ? resolve(bench, '..') : join(bench, 'node_modules', name)
}
