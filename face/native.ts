// The native addon, or an error that explains what to do.

/** Rows held by the native side. */
export interface HeldRows {
  readonly rows: unique symbol
}

/** A server held by the native side. */
export interface HeldServer {
  readonly server: unique symbol
}

/** Called with the progress of a call, as a JSON text. */
export type Listener = (text: string) => void

/** Embeds a JSON list of texts. Returns their vectors concatenated, or an error message. */
export type Embed = (texts: string) => Promise<Float32Array | string>

/** The reply of a call: nothing, a number, a JSON text, or rows. */
export type Reply = undefined | number | string | HeldRows

/** A reply to be delivered in a later tick: the reply, or nothing and an error. */
export type DeferredReply = [reply: Reply, error?: string]

/** The return types of addon functions that the Rust side leaves open. */
interface Answers {
  turn: Promise<void>
  wrappedKey: Promise<string | undefined>
  inspectStore: Promise<string>
  serverEnded: Promise<void>
  filterPlan: Promise<string>
  matching: Promise<string>
  rowTerms: Promise<string>
  rowsNext: string
  rowsData: Float32Array
  rowsScores: Float64Array
  rowsExpiries: Float64Array
}

type Addon = typeof import('../binding.js')
type Binding = Omit<Addon, keyof Answers> & {
  [Name in keyof Answers]: (...args: Parameters<Addon[Name]>) => Answers[Name]
}

/** The platforms for which a package with a binary is published. */
const supported = [
  'linux-x64-gnu',
  'linux-arm64-gnu',
  'linux-x64-musl',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
  'win32-x64-msvc',
]

/** Whether the C library is glibc, as far as the runtime reveals it. */
function hasGlibc(): boolean {
  try {
    return Boolean((process.report.getReport() as any).header.glibcVersionRuntime)
  } catch {
    return true
  }
}

/** The name of this platform in package names. */
function platform(): string {
  const name = `${process.platform}-${process.arch}`
  if (process.platform === 'win32') return `${name}-msvc`
  if (process.platform !== 'linux') return name
  return `${name}-${hasGlibc() ? 'gnu' : 'musl'}`
}

/** Why an existing binary cannot be loaded: the loader chains one error per place it looked in. */
function failures(error: unknown): string[] {
  const messages: string[] = []
  for (let cause: any = error; cause; cause = cause.cause) messages.push(cause.message)
  return messages.filter((message) => !/^(Cannot find (module|native binding)|Unsupported )/.test(message))
}

function reason(error: unknown, here: string): string {
  const path = process.env.NAPI_RS_NATIVE_LIBRARY_PATH
  const details = failures(error).join('; ')
  if (path) return `NAPI_RS_NATIVE_LIBRARY_PATH=${path} cannot be loaded. ${details}`
  if (details) return `The binary cannot be loaded. ${details}`
  if (!supported.includes(here)) return 'There is no package with a binary for it.'
  return (
    `The package vectorizer-native-${here} is not installed. Install on this platform, without ` +
    '"--omit=optional", and without a lock file that was made elsewhere and does not name it.'
  )
}

function explained(error: unknown): Error {
  const here = platform()
  const message = [
    `vectorizer-native cannot be used on ${here}.`,
    reason(error, here),
    `There are packages for ${supported.join(', ')}.`,
    'To build from source: "npm install && npm run build" in a clone, with Rust 1.90 or newer and a C',
    'compiler; NAPI_RS_NATIVE_LIBRARY_PATH names the .node file to programs outside the clone.',
  ]
  const refusal = new Error(message.join('\n'))
  // For an unhandled error, Node.js prints the stack, every cause and all enumerable properties.
  // The lines above should be the last thing the user reads; the rest is for debuggers.
  const hidden = { stack: String(refusal), code: 'ERR_NATIVE_BINDING', loaderError: error }
  for (const [name, value] of Object.entries(hidden))
    Object.defineProperty(refusal, name, { value, writable: true, configurable: true, enumerable: false })
  return refusal
}

function loaded(): Binding {
  try {
    return require('../binding.js')
  } catch (error) {
    throw explained(error)
  }
}

export const native: Binding = loaded()
