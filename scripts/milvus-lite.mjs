// Installs Milvus Lite, the engine that Jest tests the client of Milvus with, in an environment
// of its own. Where there is no Python 3.11 its tests are left out, which jest.config.js sees
// and says; in CI it is a failure.
import { fileURLToPath } from 'node:url'
import { findPython, prepare } from './python.mjs'

const python = findPython()
if (python) {
  prepare(python, {
    environment: fileURLToPath(new URL('../target/milvus-lite', import.meta.url)),
    folder: fileURLToPath(new URL('../__test__/milvus', import.meta.url)),
    files: ['requirements.txt'],
    install: ['--requirement', 'requirements.txt'],
  })
} else {
  console.error('There is no Python 3.11 or newer with venv: Milvus Lite is not installed.')
  if (process.env.CI) process.exitCode = 1
}
