// Asks questions: node ask.js "How do I …?"
import { show, start } from './start.js'

const { library, positionals } = await start()
for (const question of positionals) await show(library, question)
await library.close()
