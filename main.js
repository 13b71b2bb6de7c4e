// The package's entry.
require('./lib/node-version.js')

module.exports = require('./index.js')
