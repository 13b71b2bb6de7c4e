// A call's arguments as they are when it is made: the engine is asked before they are used, and
// the caller may change them meanwhile.
const { fail, methods, read } = require('../arguments.js')

/** Deletes tell how far they are: here they are many writes. The embedded client's are one. */
const TELLING = { batchDelete: 2, deleteVectors: 2, deleteByFilter: 2 }

/** A copy of one argument; listeners are kept as they are. */
function copied(value) {
  if (typeof value !== 'object' || value === null) return value
  if (typeof value.onProgress !== 'function') return structuredClone(value)
  const { onProgress, ...rest } = value
  return { ...structuredClone(rest), onProgress }
}

/** The arguments that the embedded client would be given. */
function withoutListener(name, args) {
  const options = args[TELLING[name]]
  if (typeof options !== 'object' || options === null) return args
  const { onProgress, ...rest } = options
  if (onProgress === undefined) return args
  if (typeof onProgress !== 'function') fail('options.onProgress', 'a function', onProgress)
  return args.with(TELLING[name], rest)
}

/** The arguments of a call of `name`, once the embedded client would take them. */
function snapshot(name, args) {
  return read(() => {
    methods[name]({}, ...withoutListener(name, args))
    return args.map(copied)
  })
}

module.exports = { snapshot }
