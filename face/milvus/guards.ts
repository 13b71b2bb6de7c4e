// The guards of a delete: how many vectors it may remove.
import { TooManyMatchesError } from '../errors.js'
import type { BatchDeleteOptions } from '../types.js'

export type Guards = Pick<BatchDeleteOptions, 'atMost' | 'expect'>

export const hasGuards = ({ atMost, expect }: Guards): boolean => atMost !== undefined || expect !== undefined

/** How messages say what a delete goes by. */
const SELECTORS = {
  ids: 'the ids are those of',
  filter: 'the filter matches',
}

/** Throws, in the embedded client's words, unless a delete may remove `count` vectors. */
export function checkCount(
  { atMost, expect }: Guards,
  count: number,
  selector: keyof typeof SELECTORS,
  report: () => TooManyMatchesError['report'],
): void {
  const isMore = atMost !== undefined && count > atMost
  if (!isMore && (expect === undefined || count === expect)) return
  const [name, bound, change] = isMore ? ['atMost', atMost, 'raise'] : ['expect', expect, 'change']
  const vectors = count === 1 ? 'vector' : 'vectors'
  const message =
    `${SELECTORS[selector]} ${count} ${vectors}, and options.${name} is ${bound}: nothing was deleted; ` +
    `see the error's report, and correct the ${selector} or ${change} ${name}`
  throw Object.assign(new TooManyMatchesError(message), { report: report() })
}
