const ends: (() => unknown)[] = []
afterEach(async () => {
  const failures: unknown[] = []
  for (const end of ends.splice(0).reverse()) {
    try {
      await end()
    } catch (failure) {
      failures.push(failure)
    }
  }
  if (failures.length > 0) throw failures[0]
})

/** Registers cleanup after the test, in reverse order: clients before their directories. */
export function atEnd(end: () => unknown) {
  ends.push(end)
}
