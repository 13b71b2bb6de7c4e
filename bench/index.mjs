import { compare } from './compare.mjs'
import { withFolder } from './folder.mjs'
import { readOptions } from './options.mjs'
import { findEngines } from './peers.mjs'
import { run } from './process.mjs'
import { report } from './report.mjs'
import { residueReport } from './residue-report.mjs'
import { publish } from './table.mjs'

const say = (line) => process.stderr.write(`${line}\n`)

/** What each mode runs. */
const MODES = {
  memory: async (options) => publish('memory.md', await besideOthers(options)),
  disk: async (options) => {
    const compared = await besideOthers(options)
    publish('disk.md', `${compared}\n\n${await searchFiles(options)}`)
  },
  peers: async (options) => (await import('./every-peer.mjs')).everyPeer(options, say),
  churn: async (options) => (await import('./churn.mjs')).churn(options, say),
  capacity: async (options) => (await import('./capacity.mjs')).capacity(options, say),
  deletes: async (options) => (await import('./deletes.mjs')).deletes(options, say),
  rotation: async (options) => (await import('./rotation.mjs')).rotation(options, say),
  scale: async (options) => (await import('./scale.mjs')).scale(options, say),
  'event-loop': async (options) => (await import('./event-loop.mjs')).eventLoop(options, say),
  http: async (options) => (await import('./http.mjs')).http(options, say),
}

try {
  const options = readOptions()
  if (options) await MODES[options.mode](options)
} catch (error) {
  say(error.message)
  process.exitCode = 1
}

async function besideOthers(options) {
  const engines = await findEngines(options.engines, say)
  return report(options, await compare(options, engines, say))
}

/** What deletes leave in the engines' files: the same in every round, so once is enough. */
async function searchFiles({ engines, n, dim, seed }) {
  const searched = []
  const lines = []
  for (const { name, label, error: absent } of await findEngines(engines, say)) {
    if (absent) continue
    say(`searching the files of ${name} for what it deleted`)
    const { error, figures } = await withFolder((folder) =>
      run({ task: 'residue', engine: name, job: { folder, n, dim, seed } }),
    )
    if (figures) searched.push({ label, residue: figures })
    else lines.push('', `**Files not searched: ${name}: ${error}**`)
  }
  return [...(searched.length > 0 ? [residueReport(searched)] : []), ...lines].join('\n')
}
