// Installs Milvus Lite, the engine against which Jest tests the Milvus client, in a separate
// environment. Without Python 3.11 its tests are skipped, which jest.config.js detects and reports;
// in CI that is a failure.
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
