// HTTP clients, and servers for them: in this process, or started with the package's command.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { type Agent, type IncomingHttpHeaders, type OutgoingHttpHeaders, request } from 'node:http'
import type { ServeOptions, VectorizerClientOptions } from '../..'
import { client } from './collections'
import { atEnd } from './ending'
import { kill, packagePath } from './processes'

/** The answer of a server. */
export class Answer {
  constructor(
    readonly status: number,
    readonly headers: IncomingHttpHeaders,
    readonly text: string,
  ) {}

  /** The body as JSON. */
  get json() {
    return JSON.parse(this.text)
  }
}

/** Sends a request with the path exactly as given. A body that is not a string is sent as JSON. */
export function ask(
  url: string,
  method: string,
  path: string,
  body?: unknown,
  headers: OutgoingHttpHeaders = {},
  agent: Agent | false = false,
): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const kind = text === undefined ? {} : { 'content-type': 'application/json' }
  return new Promise((resolve, reject) => {
    const asking = request({
      host: hostname.replace(/^\[|\]$/g, ''),
      port,
      method,
      path,
      headers: { ...kind, ...headers },
      agent,
    })
    asking.on('error', reject)
    asking.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part) => parts.push(part))
      response.on('error', reject)
      response.on('end', () =>
        resolve(new Answer(response.statusCode as number, response.headers, Buffer.concat(parts).toString())),
      )
    })
    asking.end(text)
  })
}

/** `ask` for a given server and agent. */
export const asking =
  (url: string, agent: Agent | false = false) =>
  (method: string, path: string, body?: unknown, headers?: OutgoingHttpHeaders) =>
    ask(url, method, path, body, headers, agent)
export type Ask = ReturnType<typeof asking>

/** The status and code of an error response, which must have the documented form. */
export function refusal(answer: Pick<Answer, 'status' | 'headers' | 'json'>) {
  const { status, json } = answer
  expect({ status, json }).toMatchObject({ json: { error: {} } })
  const { code, message, ...details } = json.error
  expect(answer.headers['content-type']).toBe('application/json')
  expect(json).toStrictEqual({ error: { code, message, ...details }, message })
  expect(message).toMatch(/./)
  return { status, code, ...details }
}

/** A client, and a server for it on any free port. Both are closed after the test. */
export async function serving(options: ServeOptions = {}, of?: VectorizerClientOptions) {
  const opened = client(of)
  const server = await opened.serve({ port: 0, ...options })
  return { client: opened, server, ask: asking(server.url) }
}

/** The same, with the collection `things` of two dimensions and a vector for each id. */
export async function servingThings(ids: string[] = [], options: ServeOptions = {}) {
  const served = await serving(options)
  await served.client.createCollection('things', { dimension: 2 })
  await served.client.insertVectors(
    'things',
    ids.map((id, i) => ({ id, data: [1, i], metadata: { place: i, name: id } })),
  )
  return served
}

/** Resolves when nothing is listening at the URL any more. */
export async function ended(url: string) {
  for (;;) {
    const answer = await ask(url, 'GET', '/health').catch((error) => error)
    if (answer.code === 'ECONNREFUSED') return
  }
}

/** Resolves when the server's metric has this value. */
async function counted(url: string, name: string, count: number) {
  const wanted = `\nvectorizer_${name} ${count}\n`
  while (!(await ask(url, 'GET', '/metrics')).text.includes(wanted));
}

/** Resolves when this many requests are in progress besides the one that asks. */
export const inFlight = (url: string, count: number) => counted(url, 'http_requests_in_flight', count + 1)

/** Resolves when this many connections are open besides the one that asks. */
export const connected = (url: string, count: number) => counted(url, 'http_connections', count + 1)

/** A running process, with everything it has printed so far. */
export class Running {
  stdout = ''
  stderr = ''
  readonly ended: Promise<{ code: number | null; signal: string | null; stdout: string; stderr: string }>

  constructor(readonly child: ChildProcess) {
    atEnd(() => kill(child))
    child.stdout?.on('data', (part) => {
      this.stdout += part
    })
    child.stderr?.on('data', (part) => {
      this.stderr += part
    })
    this.ended = once(child, 'close').then(([code, signal]) => {
      const { stdout, stderr } = this
      return { code, signal, stdout, stderr }
    })
  }

  /** The URL in its first line of output. */
  async url(): Promise<string> {
    const ended = this.ended.then(({ stderr }) => {
      throw new Error(`it ended before it listened: ${stderr}`)
    })
    while (!this.stdout.includes('\n')) await Promise.race([once(this.child.stdout as never, 'data'), ended])
    ended.catch(() => {})
    const url = /\bhttp:\/\/\S+/.exec(this.stdout)?.[0]
    if (url === undefined) throw new Error(`it says no address: ${this.stdout}`)
    return url
  }
}

export const commandPath = require.resolve('../../bin/vectorizer-native.js')

/** Starts the package's command; `limits` are passed to the shell's `ulimit`. */
export function command(args: readonly string[], env: NodeJS.ProcessEnv = {}, limits?: string) {
  const { VECTORIZER_API_KEY: _, VECTORIZER_KEY: __, ...inherited } = process.env
  const argv = [process.execPath, commandPath, ...args]
  const [program, ...rest] =
    limits === undefined ? argv : ['bash', '-c', `ulimit ${limits} && exec "$@"`, 'bash', ...argv]
  return new Running(
    spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...inherited, ...env } }),
  )
}

/** The command once it is listening, on any free port. */
export async function commandServing(args: readonly string[] = [], ...rest: [NodeJS.ProcessEnv?, string?]) {
  const running = command(['serve', '--port', '0', ...args], ...rest)
  const url = await running.url()
  return { running, url, ask: asking(url) }
}

/** Starts a script in a separate Node.js process, in which `client` is a client. */
export function scripted(script: string, of: VectorizerClientOptions = {}) {
  const begin = `
    const { VectorizerClient } = require(${JSON.stringify(packagePath)})
    const client = new VectorizerClient(${JSON.stringify(of)})
  `
  return new Running(spawn(process.execPath, ['-e', begin + script], { stdio: ['ignore', 'pipe', 'pipe'] }))
}

/** A server with any options in a separate process. */
export async function elsewhereServing(options: ServeOptions) {
  const given = JSON.stringify({ port: 0, ...options })
  const running = scripted(`client.serve(${given}).then(({ url }) => console.log(url))`)
  const url = await running.url()
  return { running, url, ask: asking(url) }
}
