import { findEngines } from '../engines/find.mjs'
import { compare } from '../shared/comparison/index.mjs'
import { ON_DISK, report } from '../shared/comparison/report.mjs'
import { withFolder } from '../shared/folder.mjs'
import { publish, say } from '../shared/output.mjs'
import { run } from '../shared/process.mjs'
import { residueReport } from './report.mjs'

export default async function disk(options) {
  const engines = await findEngines(options.engines)
  const onDisk = { ...options, disk: true }
  const compared = report(onDisk, await compare(onDisk, engines), ON_DISK)
  const usable = engines.filter(({ error }) => !error)
  publish('disk.md', [compared, ...(await searchFiles(usable, options))].join('\n\n'))
}

/**
 * What deletes leave in the engines' files. It is the same in every round, so one round is enough.
 */
async function searchFiles(engines, { n, dim, seed }) {
  const searched = []
  const failed = []
  for (const { name, label } of engines) {
    say(`searching the files of ${name} for what it deleted`)
    try {
      const residue = await withFolder((folder) =>
        run({ task: 'disk/residue', engine: name, job: { folder, n, dim, seed } }),
      )
      searched.push({ label, residue })
    } catch ({ message }) {
      failed.push(`**Files not searched: ${name}: ${message}**`)
    }
  }
  return [...(searched.length > 0 ? [residueReport(searched)] : []), ...failed]
}
