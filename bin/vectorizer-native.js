#!/usr/bin/env node
// The package's command. Exit codes: 0 done, 1 it could not be done, 2 it was not understood.
require('../lib/node-version.js')
require('../lib/command/main.js').main(process.argv.slice(2))
