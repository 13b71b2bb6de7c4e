// Checks the ledger of the store, its signatures, and that it has every certificate of the audit log.
// Exit codes: 0 all of it holds, 1 something does not.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { verifyLedger } from 'vectorizer-native'
import { entriesOf } from './audit.js'
import { publicKeyFile } from './signing.js'

const { DATA_FOLDER = './data', SIGNING_KEY = './signing-key.pem' } = process.env

const audit = await readFile(join(DATA_FOLDER, 'audit.jsonl'), 'utf8')
// An erasure of nothing has a certificate, and no entry in the ledger.
const receipts = entriesOf(audit).flatMap(({ entry, signature }) => (entry ? [{ entry, signature }] : []))
const { verified, problems, erasures, deleted, head } = await verifyLedger(join(DATA_FOLDER, 'store'), {
  publicKey: await readFile(publicKeyFile(SIGNING_KEY)),
  receipts,
})
for (const { line, problem } of problems) console.error(`line ${line}: ${problem}`)
console.log(`${erasures} erasures of ${deleted} documents, ${receipts.length} certificates`)
if (head) console.log(`head ${head.entry} ${head.hash}`)
process.exitCode = verified ? 0 : 1
