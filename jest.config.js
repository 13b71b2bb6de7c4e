const { existsSync } = require('node:fs')
const { join } = require('node:path')

/** Where `scripts/milvus-lite.mjs` has installed it. */
const milvusLite = join(__dirname, 'target', 'milvus-lite')
const hasMilvusLite = existsSync(join(milvusLite, 'installed.txt'))
if (!hasMilvusLite) {
  console.error(
    'Milvus Lite is not installed (node scripts/milvus-lite.mjs): the client of Milvus is not tested.',
  )
}

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/__test__'],
  // Jest knows no <rootDir> after a "!".
  testMatch: ['**/__test__/**/*.spec.ts', ...(hasMilvusLite ? [] : ['!**/__test__/milvus/**'])],
  globals: { milvusLite: hasMilvusLite ? milvusLite : null },
  testTimeout: 60_000,
  // By itself Jest leaves one processor alone: of two it would use one.
  maxWorkers: '100%',
  // What Milvus' own client writes files with, which nothing here does, needs an ES module.
  moduleNameMapper: { '^@shanghaikid/parquetjs$': '<rootDir>/__test__/support/nothing.js' },
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { swcrc: false, jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, sourceMaps: 'inline' },
    ],
  },
}
