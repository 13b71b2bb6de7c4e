// Moving collections from one client to another, and telling how far it is.
import { migrate } from 'vectorizer-native'

/** @import { MigrationOptions, MigrationProgress, Vectorizer } from 'vectorizer-native' */

/**
 * Prints a line each time that another quarter of a phase is done.
 *
 * @param {(line: string) => void} print
 * @returns {(progress: MigrationProgress) => void}
 */
function printer(print) {
  /** @type {Record<string, number>} */
  const told = {}
  return ({ collection, phase, done, total }) => {
    const key = `${collection} ${phase}`
    const quarter = total === 0 ? 4 : Math.floor((4 * done) / total)
    if (quarter > 0 && quarter !== told[key]) print(`${key} ${done}/${total}`)
    told[key] = quarter
  }
}

/**
 * Moves all collections, prints what was done, and resolves with the report.
 *
 * @param {Vectorizer} source
 * @param {Vectorizer} target
 * @param {MigrationOptions} options
 * @param {(line: string) => void} print
 */
export async function move(source, target, options = {}, print = console.log) {
  const report = await migrate(source, target, { ...options, onProgress: printer(print) })
  for (const { name, vectors, copied, unchanged, pruned, sampled, agreement } of report.collections) {
    const agreed = `${sampled} searches agree to ${Math.round(100 * agreement)} %`
    print(
      `${name}: ${vectors} vectors, ${copied} copied, ${unchanged} unchanged, ${pruned} deleted; ${agreed}`,
    )
  }
  return report
}
