// A call's arguments as they are when it is made: the engine is asked before they are used, and
// the caller may change them meanwhile.
import { fail, known, read } from '../arguments.js'
import { type CallName, type Context, calls } from '../calls.js'
import { keys } from '../keys.js'

/**
 * Deletes of many tell how far they are: here they are many writes, where the embedded client's
 * are one. What that one takes beside the listener.
 */
const TELLING: { [name in CallName]?: readonly string[] } = {
  batchDelete: keys.batchDelete,
  deleteVectors: keys.batchDelete,
  deleteByFilter: keys.deleteByFilter,
}
/** Where their options are among their arguments. */
const OPTIONS = 2

/** A copy of one argument; listeners are kept as they are. */
function copied(value: any): any {
  if (typeof value !== 'object' || value === null) return value
  if (typeof value.onProgress !== 'function') return structuredClone(value)
  const { onProgress, ...rest } = value
  return { ...structuredClone(rest), onProgress }
}

/** The arguments that the embedded client would be given. */
function withoutListener(name: CallName, args: any[]): any[] {
  const others = TELLING[name]
  if (others === undefined || args[OPTIONS] === undefined) return args
  const { onProgress, ...rest } = known(args[OPTIONS], 'options', [...others, 'onProgress'])
  if (onProgress !== undefined && typeof onProgress !== 'function')
    fail('options.onProgress', 'a function', onProgress)
  return args.with(OPTIONS, rest)
}

/** The arguments of a call of `name`, once the embedded client would take them. */
export function snapshot(name: CallName, args: any[]): any[] {
  return read(() => {
    calls[name].pack({} as Context, ...withoutListener(name, args))
    return args.map(copied)
  })
}
