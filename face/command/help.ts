// The help text common to all commands.

export const KEY_HELP = `  --key-file FILE      the store's key, where it is encrypted: 32 bytes, or their
                       base64 text; or give that text in the environment variable
                       VECTORIZER_KEY. The file wins
`
export const LAST_HELP = `  --help               this text
  --version            the version
`
