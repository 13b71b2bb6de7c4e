/**
 * A value that a filter compares with. Strings that are RFC 3339 dates compare as instants,
 * numbers by value. An integer beyond 2^53 is a `bigint`, of up to 64 bits: the number has been
 * rounded, and is refused but for bounds.
 */
export type FilterValue = string | number | bigint | boolean | null | Date

/** A value that a clause matches; for null there is `is_null`. */
export type MatchValue = string | number | bigint | boolean | Date

/** A value that others come before and after. */
export type FilterBound = string | number | bigint | Date

/** A `T` with at least one of its properties. */
export type AtLeastOne<T> = T & { [K in keyof T]-?: Required<Pick<T, K>> }[keyof T]

/** The operators of a condition on one field. */
export type Operators = {
  /** Equals this value; of a list in the metadata, one of its values. */
  $eq?: FilterValue
  /** Does not equal this value. */
  $ne?: FilterValue
  /** Is greater than, or later than. */
  $gt?: FilterBound
  /** Is greater or later, or the same. */
  $gte?: FilterBound
  /** Is less than, or earlier than. */
  $lt?: FilterBound
  /** Is less or earlier, or the same. */
  $lte?: FilterBound
  /** Equals one of these values. */
  $in?: readonly FilterValue[]
  /** Equals none of these values. */
  $nin?: readonly FilterValue[]
  /** Whether the field has a value that is not null. */
  $exists?: boolean
}

/** Conditions on one field, all of which must hold; at least one. */
export type FieldOperators = AtLeastOne<Operators>

/** A `Date`, by what only dates have: an editor that completes operators offers no methods of dates. */
export interface DateLike {
  [Symbol.toPrimitive](hint: 'number'): number
}

/** What a filter says of one field: the value it equals, the values it equals one of, or operators. */
export type FieldCondition =
  | string
  | number
  | bigint
  | boolean
  | null
  | DateLike
  | readonly FilterValue[]
  | FieldOperators

type Letter =
  | ('a' | 'b' | 'c' | 'd' | 'e' | 'f' | 'g' | 'h' | 'i' | 'j' | 'k' | 'l' | 'm')
  | ('n' | 'o' | 'p' | 'q' | 'r' | 's' | 't' | 'u' | 'v' | 'w' | 'x' | 'y' | 'z')
  | ('à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'æ' | 'ç' | 'è' | 'é' | 'ê' | 'ë' | 'ì' | 'í' | 'î' | 'ï')
  | ('ñ' | 'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'ø' | 'œ' | 'ù' | 'ú' | 'û' | 'ü' | 'ý' | 'þ' | 'š' | 'ž')
type Digit = '0' | '1' | '2' | '3' | '4' | '5' | '6' | '7' | '8' | '9'
type Sign =
  | (' ' | '!' | '"' | '#' | '%' | '&' | "'" | '(' | ')' | '*' | '+' | ',' | '-' | '/' | ':' | ';')
  | ('<' | '=' | '>' | '?' | '@' | '[' | '\\' | ']' | '^' | '_' | '`' | '{' | '|' | '}' | '~')

/**
 * How the name of a field begins in a filter that is checked by the compiler. Another beginning
 * goes as a clause, or as a computed key: `{ [name]: value }`, where `name` is a `string`.
 */
export type FieldStart = Letter | Uppercase<Letter> | Digit | Sign

/** Fields, by dotted paths into the metadata, with a condition on each. */
export type FieldConditions = { readonly [Path in `${FieldStart}${string}`]: FieldCondition }

/** Filters in a filter. */
export type LogicalOperators = {
  /** All of these hold. */
  $and?: readonly Filter[]
  /** At least one of these holds. */
  $or?: readonly Filter[]
  /** This does not hold. */
  $not?: Filter
}

/** Bounds of a range, at least one. */
export type RangeBounds<T> = AtLeastOne<{ gt?: T; gte?: T; lt?: T; lte?: T }>

type Range = RangeBounds<number | bigint> | RangeBounds<string | Date>

/** `T`, and none of the keys that conditions of another kind have. */
type Only<T> = T & { [K in Exclude<ConditionKey, keyof T>]?: never }
type ConditionKey =
  | ('type' | 'key' | 'match' | 'match_value' | 'range' | 'values_count')
  | ('is_empty' | 'is_null' | 'has_id' | 'must' | 'should' | 'must_not')

/** A condition of a clause. */
export type Condition =
  | Only<{
      key: string
      match:
        | { value: MatchValue; any?: never; except?: never }
        | { any: readonly FilterValue[]; value?: never; except?: never }
        | { except: readonly FilterValue[]; value?: never; any?: never }
    }>
  | Only<{ key: string; range: Range }>
  | Only<{ key: string; values_count: RangeBounds<number> }>
  | Only<{ is_empty: { key: string } }>
  | Only<{ is_null: { key: string } }>
  | Only<{ has_id: readonly string[] }>
  | Only<{ type: 'match'; key: string; match_value: MatchValue }>
  | Only<{ type: 'range'; key: string; range: Range }>
  | AtLeastOne<ClauseFilter>

/** Lists of conditions: all of `must`, at least one of `should`, none of `must_not`. */
export type ClauseFilter = {
  /** All of these hold. */
  must?: readonly Condition[]
  /** At least one of these holds. */
  should?: readonly Condition[]
  /** None of these holds. */
  must_not?: readonly Condition[]
}

/**
 * Fields (dotted paths into the metadata) with the value they equal, the values they
 * equal one of, or operators; and `$and`, `$or`, `$not` over further filters.
 */
export type FieldFilter = FieldConditions & LogicalOperators & { [K in keyof ClauseFilter]?: never }

/** Which vectors are meant, by their metadata. At least one condition. */
export type Filter = FieldFilter | ClauseFilter
