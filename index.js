// What lib/index.js exports, without the mark of a compiled ES module: so `import whole from` is what
// `require` gives, for bundlers as well.
module.exports = { ...require('./lib/index.js') }
