import { findEngines } from '../engines/find.mjs'
import { compare } from '../shared/comparison/index.mjs'
import { report } from '../shared/comparison/report.mjs'
import { publish } from '../shared/output.mjs'

const NOTE =
  'hnswlib-node has neither ids nor metadata: its delete by filter is hand-written JavaScript over a Map, ' +
  'and its deletes only set a mark.'

export default async function memory(options) {
  const compared = await compare(options, await findEngines(options.engines))
  publish('memory.md', report(options, compared, NOTE))
}
