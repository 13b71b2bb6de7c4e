// TypeScript's errors in code of the documentation and the examples, and that code without types.
import { join, relative } from 'node:path'
import ts from 'typescript'

/** As strict as a reader’s own project may be. */
export const TSCONFIG = {
  compilerOptions: {
    target: 'es2022',
    lib: ['es2024'],
    module: 'nodenext',
    strict: true,
    isolatedModules: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
    noEmit: true,
    types: ['node', 'jest'],
  },
}
/** JavaScript is checked too: its types are in comments. */
const { options: OPTIONS } = ts.convertCompilerOptionsFromJson(
  { ...TSCONFIG.compilerOptions, allowJs: true, checkJs: true },
  '',
)

/** Files of packages, read once for all programs. */
const packages = new Map()

/**
 * Compiles files of a folder together, as one program: `sources` has their code by name, whatever is on disk.
 * Returns the errors, as `{ file, line, message }`.
 */
export function typeErrors(folder, sources) {
  const code = new Map(sources.map(({ file, code }) => [join(folder, file), code]))
  const host = ts.createCompilerHost(OPTIONS)
  const { fileExists, readFile, getSourceFile } = host
  host.getCurrentDirectory = () => folder
  host.fileExists = (path) => code.has(join(path)) || fileExists(path)
  host.readFile = (path) => code.get(join(path)) ?? readFile(path)
  host.getSourceFile = (path, ...rest) => {
    if (code.has(join(path)) || !path.includes('/node_modules/')) return getSourceFile(path, ...rest)
    if (!packages.has(path)) packages.set(path, getSourceFile(path, ...rest))
    return packages.get(path)
  }
  const program = ts.createProgram({ rootNames: [...code.keys()], options: OPTIONS, host })
  // Without errors in the files that they import.
  const diagnostics = [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...[...code.keys()].flatMap((path) => ts.getPreEmitDiagnostics(program, program.getSourceFile(path))),
  ]
  return diagnostics.map(({ file, start, code, messageText }) => ({
    file: file && relative(folder, file.fileName).replaceAll('\\', '/'),
    line: file && file.getLineAndCharacterOfPosition(start).line + 1,
    message: `TS${code}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`,
  }))
}

/** Code as it runs, without its types. */
export function withoutTypes(code, fileName) {
  return ts.transpileModule(code, { fileName, compilerOptions: { ...OPTIONS, noEmit: false } }).outputText
}
