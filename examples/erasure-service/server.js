// Starts the service. Exit codes: 0 ended by a signal, 1 it could not be started.
import { build } from './app.js'
import { signingKey } from './signing.js'

const { AUDIT_KEY, DATA_FOLDER = './data', HOST = '127.0.0.1', PORT = '3000' } = process.env
const { SIGNING_KEY = './signing-key.pem' } = process.env

try {
  const options = { folder: DATA_FOLDER, auditKey: AUDIT_KEY, signingKey: await signingKey(SIGNING_KEY) }
  const app = await build({ ...options, logger: true })
  for (const signal of ['SIGTERM', 'SIGINT']) process.once(signal, () => app.close())
  await app.listen({ host: HOST, port: Number(PORT) })
} catch (error) {
  // A locked store names the process that has it.
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
