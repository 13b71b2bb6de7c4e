/**
 * A value to compare with. Strings that are RFC 3339 dates are compared as instants, numbers by
 * value. An integer beyond 2^53 must be a `bigint`, of up to 64 bits: as a number it would already
 * have been rounded, and is rejected except as a bound.
 */
export type FilterValue = string | number | bigint | boolean | null | Date

/** A value to match in a clause; for null, use `is_null`. */
export type MatchValue = string | number | bigint | boolean | Date

/** A value of an ordered type, for bounds. */
export type FilterBound = string | number | bigint | Date

/** A `T` with at least one of its properties. */
export type AtLeastOne<T> = T & { [K in keyof T]-?: Required<Pick<T, K>> }[keyof T]

/** The operators of a condition on one field. */
export type Operators<Value = FilterValue, Bound = FilterBound> = {
  /** Equals this value; for a list in the metadata, any of its items does. */
  $eq?: Value
  /** Does not equal this value. */
  $ne?: Value
  /** Is greater than, or later than. */
  $gt?: Bound
  /** Is greater than, later than or equal to this value. */
  $gte?: Bound
  /** Is less than, or earlier than. */
  $lt?: Bound
  /** Is less than, earlier than or equal to this value. */
  $lte?: Bound
  /** Equals one of these values. */
  $in?: readonly Value[]
  /** Equals none of these values. */
  $nin?: readonly Value[]
  /** Whether the field has a value that is not null. */
  $exists?: boolean
}

/** Conditions on one field, at least one; all of them must hold. */
export type FieldOperators = AtLeastOne<Operators>

/**
 * A `Date`, by a method only dates have, so that editors do not offer date methods as operators.
 */
export interface DateLike {
  [Symbol.toPrimitive](hint: 'number'): number
}

/** A condition on one field: a value it equals, values one of which it equals, or operators. */
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
 * The first character of a field name in a filter checked by the compiler. Names that begin
 * otherwise can be used in a clause, or as a computed key: `{ [name]: value }`, where `name` is a
 * `string`.
 */
export type FieldStart = Letter | Uppercase<Letter> | Digit | Sign

/** Fields, as dotted paths into the metadata, each with a condition. */
export type FieldConditions = { readonly [Path in `${FieldStart}${string}`]: FieldCondition }

/** Operators that combine filters. */
export type LogicalOperators<Meta = any> = {
  /** All of these hold. */
  $and?: readonly Filter<Meta>[]
  /** At least one of these holds. */
  $or?: readonly Filter<Meta>[]
  /** This does not hold. */
  $not?: Filter<Meta>
}

/** Bounds of a range, at least one. */
export type RangeBounds<T> = AtLeastOne<{ gt?: T; gte?: T; lt?: T; lte?: T }>

type Range = RangeBounds<number | bigint> | RangeBounds<string | Date>

/** `T`, without any of the keys of other kinds of conditions. */
type Only<T> = T & { [K in Exclude<ConditionKey, keyof T>]?: never }
type ConditionKey =
  | ('type' | 'key' | 'match' | 'match_value' | 'range' | 'values_count')
  | ('is_empty' | 'is_null' | 'has_id' | 'must' | 'should' | 'must_not')

/** A condition of a clause on the values of one field. */
type KeyCondition<Key, Value, Member, Bounds> =
  | Only<{
      key: Key
      match:
        | { value: Value; any?: never; except?: never }
        | { any: readonly Member[]; value?: never; except?: never }
        | { except: readonly Member[]; value?: never; any?: never }
    }>
  | Only<{ key: Key; range: Bounds }>
  | Only<{ type: 'match'; key: Key; match_value: Value }>
  | Only<{ type: 'range'; key: Key; range: Bounds }>

/** Conditions of a clause on each field of `Meta`. */
type KeyConditions<Meta> =
  IsUntyped<Meta> extends true
    ? KeyCondition<string, MatchValue, FilterValue, Range>
    : {
        [Path in MetadataPath<Meta>]: KeyCondition<
          Path,
          Compared<ValueAt<Meta, Path>>,
          Compared<ValueAt<Meta, Path>> | null,
          RangeBounds<Bound<ValueAt<Meta, Path>>>
        >
      }[MetadataPath<Meta>]

/** A condition of a clause. */
export type Condition<Meta = any> =
  | KeyConditions<Meta>
  | Only<{ key: MetadataPath<Meta>; values_count: RangeBounds<number> }>
  | Only<{ is_empty: { key: MetadataPath<Meta> } }>
  | Only<{ is_null: { key: MetadataPath<Meta> } }>
  | Only<{ has_id: readonly string[] }>
  | AtLeastOne<ClauseFilter<Meta>>

/** Lists of conditions: all of `must`, at least one of `should`, none of `must_not`. */
export type ClauseFilter<Meta = any> = {
  /** All of these hold. */
  must?: readonly Condition<Meta>[]
  /** At least one of these holds. */
  should?: readonly Condition<Meta>[]
  /** None of these holds. */
  must_not?: readonly Condition<Meta>[]
}

/**
 * Fields (dotted paths into the metadata) with a value they equal, values one of which they equal,
 * or operators; and `$and`, `$or`, `$not` over further filters.
 */
export type FieldFilter<Meta = any> = FieldConditionsOf<Meta> &
  LogicalOperators<Meta> & { [K in keyof ClauseFilter]?: never }

/**
 * Selects vectors by their metadata. A filter needs at least one condition. If `Meta`, the type of
 * the metadata, is given, paths and the types of their values are checked against it.
 */
export type Filter<Meta = any> = FieldFilter<Meta> | ClauseFilter<Meta>

/** Whether the type of the metadata is not specified. */
export type IsUntyped<Meta> = 0 extends 1 & Meta ? true : false

/** The maximum depth of paths into `Meta`, whose type may be recursive. */
type Depth = 5
type Shallower = [never, 0, 1, 2, 3, 4]

/** The type of a field's values; for a list, of its items. */
type Items<T> = NonNullable<T> extends readonly (infer Item)[] ? NonNullable<Item> : NonNullable<T>

/** A value that paths do not lead into. */
type Plain = string | number | bigint | boolean | DateLike | readonly unknown[]

/** The named keys of an object; any string if it has an index signature. */
type KeysOf<T> = Extract<keyof T, string>

/** The dotted paths into metadata of the type `Meta`. */
export type MetadataPath<Meta> = IsUntyped<Meta> extends true ? string : PathsOf<NonNullable<Meta>, Depth>

type PathsOf<T, D extends number> = T extends Plain
  ? never
  : { [K in KeysOf<T>]: K | `${K}.${PathsBehind<T[K], D>}` }[KeysOf<T>]

type PathsBehind<T, D extends number> =
  IsUntyped<T> extends true ? string : D extends 0 ? never : PathsOf<Items<T>, Shallower[D]>

/** The type of the value at a path. */
type ValueAt<T, Path> = T extends Plain
  ? never
  : Path extends keyof T
    ? T[Path]
    : Path extends `${infer Key}.${infer Rest}`
      ? Key extends keyof T
        ? IsUntyped<T[Key]> extends true
          ? any
          : ValueAt<Items<T[Key]>, Rest>
        : never
      : never

/** What the values of a field of type `T` can be compared with. */
type Compared<T> = unknown extends T ? MatchValue : ComparedItem<Items<T>>
type ComparedItem<T> = T extends DateLike
  ? Date | string
  : T extends string
    ? string extends T
      ? string | Date
      : T
    : T extends number | bigint
      ? T | bigint
      : T extends boolean
        ? T
        : never

/** The bounds for values of a field of type `T`. */
type Bound<T> = unknown extends T ? FilterBound : BoundOfItem<Items<T>>
type BoundOfItem<T> = T extends DateLike | string
  ? string | Date
  : T extends number | bigint
    ? number | bigint
    : never

/** The operators for values of a type; ordering operators only if the type is ordered. */
type OperatorsOf<Value, Bound> = Pick<
  Operators<Value | null, Bound>,
  Exclude<keyof Operators, [Bound] extends [never] ? '$gt' | '$gte' | '$lt' | '$lte' : never>
>

/** A condition on a field of type `T`. */
type ConditionOn<T> =
  | Compared<T>
  | null
  | readonly (Compared<T> | null)[]
  | AtLeastOne<OperatorsOf<Compared<T>, Bound<T>>>

type FieldConditionsOf<Meta> =
  IsUntyped<Meta> extends true
    ? FieldConditions
    : string extends KeysOf<NonNullable<Meta>>
      ? FieldConditions
      : { readonly [Path in MetadataPath<Meta>]?: ConditionOn<ValueAt<NonNullable<Meta>, Path>> }
