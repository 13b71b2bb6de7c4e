// A snapshot of a call's arguments at the time of the call: the engine is queried before they are
// used, and the caller may modify them in the meantime.
import { fail, known, read } from '../arguments.js'
import { type CallName, type Context, calls } from '../calls.js'
import { keys } from '../keys.js'

/**
 * Deletes of many vectors report progress here, because they are many writes; in the embedded
 * client they are one. These are the options that the embedded client accepts besides the listener.
 */
const TELLING: { [name in CallName]?: readonly string[] } = {
  batchDelete: keys.batchDelete,
  deleteVectors: keys.batchDelete,
  deleteByFilter: keys.deleteByFilter,
}
/** The position of their options among the arguments. */
const OPTIONS = 2

/** A copy of one argument; listeners are kept as they are. */
function copied(value: any): any {
  if (typeof value !== 'object' || value === null) return value
  if (typeof value.onProgress !== 'function') return structuredClone(value)
  const { onProgress, ...rest } = value
  return { ...structuredClone(rest), onProgress }
}

/** The arguments as the embedded client accepts them. */
function withoutListener(name: CallName, args: any[]): any[] {
  const others = TELLING[name]
  if (others === undefined || args[OPTIONS] === undefined) return args
  const { onProgress, ...rest } = known(args[OPTIONS], 'options', [...others, 'onProgress'])
  if (onProgress !== undefined && typeof onProgress !== 'function')
    fail('options.onProgress', 'a function', onProgress)
  return args.with(OPTIONS, rest)
}

/** A copy of the arguments of a call of `name`, validated as the embedded client would. */
export function snapshot(name: CallName, args: any[]): any[] {
  return read(() => {
    calls[name].pack({} as Context, ...withoutListener(name, args))
    return args.map(copied)
  })
}
