/** The symbol used by `await using`, or the one compilers use where the runtime lacks it. */
export const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? Symbol.for('Symbol.asyncDispose')
