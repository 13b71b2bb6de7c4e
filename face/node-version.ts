// That this version of Node.js is new enough, before anything is read that an older one does not
// understand. Entries come here first; they and this file are in words that all versions know.
var least = 20
var found = process.versions.node

if (parseInt(found, 10) < least) {
  throw Object.assign(
    // biome-ignore lint/style/useTemplate: older versions have none
    new Error('vectorizer-native needs Node.js ' + least + ' or newer, and this is Node.js ' + found + '.'),
    { code: 'ERR_NODE_VERSION' },
  )
}
