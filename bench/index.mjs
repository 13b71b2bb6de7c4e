import { readOptions } from './options.mjs'
import { say } from './shared/output.mjs'

try {
  const options = readOptions()
  if (options) await (await import(`./${options.mode}/index.mjs`)).default(options)
} catch (error) {
  say(error.message)
  process.exitCode = 1
}
