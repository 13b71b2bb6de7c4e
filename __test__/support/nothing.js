// Stands in for a module that is not needed: jest.config.js.
module.exports = {}
