import { VectorizerError } from '../..'

/** The error a promise rejects with; fails the test if it is not one of ours. */
export async function rejection(promise: Promise<unknown>): Promise<VectorizerError> {
  const reason: unknown = await promise.then(
    (value) => {
      throw new Error(`expected a rejection, got ${JSON.stringify(value)}`)
    },
    (thrown) => thrown,
  )
  if (!(reason instanceof VectorizerError))
    throw new Error('rejected with a foreign error', { cause: reason })
  return reason
}
