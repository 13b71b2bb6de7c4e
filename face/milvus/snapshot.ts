// A call's arguments as they are when it is made: the engine is asked before they are used, and
// the caller may change them meanwhile.
import { fail, read } from '../arguments.js'
import { type CallName, type Context, calls } from '../calls.js'

/** Deletes tell how far they are: here they are many writes. The embedded client's are one. */
const TELLING: { [name in CallName]?: number } = { batchDelete: 2, deleteVectors: 2, deleteByFilter: 2 }

/** A copy of one argument; listeners are kept as they are. */
function copied(value: any): any {
  if (typeof value !== 'object' || value === null) return value
  if (typeof value.onProgress !== 'function') return structuredClone(value)
  const { onProgress, ...rest } = value
  return { ...structuredClone(rest), onProgress }
}

/** The arguments that the embedded client would be given. */
function withoutListener(name: CallName, args: any[]): any[] {
  const place = TELLING[name]
  const options = place === undefined ? undefined : args[place]
  if (place === undefined || typeof options !== 'object' || options === null) return args
  const { onProgress, ...rest } = options
  if (onProgress === undefined) return args
  if (typeof onProgress !== 'function') fail('options.onProgress', 'a function', onProgress)
  return args.with(place, rest)
}

/** The arguments of a call of `name`, once the embedded client would take them. */
export function snapshot(name: CallName, args: any[]): any[] {
  return read(() => {
    calls[name].pack({} as Context, ...withoutListener(name, args))
    return args.map(copied)
  })
}
