// Checks that Node.js is new enough, before loading any code that an older version cannot parse.
// Entry points load this first; they and this file use only syntax that all versions support.
var least = 20
var found = process.versions.node

if (parseInt(found, 10) < least) {
  throw Object.assign(
    // biome-ignore lint/style/useTemplate: older versions have none
    new Error('vectorizer-native needs Node.js ' + least + ' or newer, and this is Node.js ' + found + '.'),
    { code: 'ERR_NODE_VERSION' },
  )
}
