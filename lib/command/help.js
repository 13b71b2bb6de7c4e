// What the help of every command has.

const KEY_HELP = `  --key-file FILE      the store's key, where it is encrypted: 32 bytes, or their
                       base64 text; or give that text in the environment variable
                       VECTORIZER_KEY. The file wins
`
const LAST_HELP = `  --help               this text
  --version            the version
`

module.exports = { KEY_HELP, LAST_HELP }
