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
export type Operators<Value = FilterValue, Bound = FilterBound> = {
  /** Equals this value; of a list in the metadata, one of its values. */
  $eq?: Value
  /** Does not equal this value. */
  $ne?: Value
  /** Is greater than, or later than. */
  $gt?: Bound
  /** Is greater or later, or the same. */
  $gte?: Bound
  /** Is less than, or earlier than. */
  $lt?: Bound
  /** Is less or earlier, or the same. */
  $lte?: Bound
  /** Equals one of these values. */
  $in?: readonly Value[]
  /** Equals none of these values. */
  $nin?: readonly Value[]
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

/** `T`, and none of the keys that conditions of another kind have. */
type Only<T> = T & { [K in Exclude<ConditionKey, keyof T>]?: never }
type ConditionKey =
  | ('type' | 'key' | 'match' | 'match_value' | 'range' | 'values_count')
  | ('is_empty' | 'is_null' | 'has_id' | 'must' | 'should' | 'must_not')

/** Conditions of a clause on the values of one field. */
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

/** Conditions on the values of each field of `Meta`. */
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
 * Fields (dotted paths into the metadata) with the value they equal, the values they
 * equal one of, or operators; and `$and`, `$or`, `$not` over further filters.
 */
export type FieldFilter<Meta = any> = FieldConditionsOf<Meta> &
  LogicalOperators<Meta> & { [K in keyof ClauseFilter]?: never }

/**
 * Which vectors are meant, by their metadata. At least one condition. Of `Meta`, the type of the
 * metadata, a filter has the paths and the types of their values.
 */
export type Filter<Meta = any> = FieldFilter<Meta> | ClauseFilter<Meta>

/** Whether nothing is said of the metadata. */
export type IsUntyped<Meta> = 0 extends 1 & Meta ? true : false

/** How deep paths lead into `Meta`: it may be of a type that holds itself. */
type Depth = 5
type Shallower = [never, 0, 1, 2, 3, 4]

/** What is at the end of a path: of a list, its items. */
type Items<T> = NonNullable<T> extends readonly (infer Item)[] ? NonNullable<Item> : NonNullable<T>

/** A value that no path leads into. */
type Plain = string | number | bigint | boolean | DateLike | readonly unknown[]

/** The keys that an object has by name; of one that has any key, all texts. */
type KeysOf<T> = Extract<keyof T, string>

/** The dotted paths into metadata of the type `Meta`. */
export type MetadataPath<Meta> = IsUntyped<Meta> extends true ? string : PathsOf<NonNullable<Meta>, Depth>

type PathsOf<T, D extends number> = T extends Plain
  ? never
  : { [K in KeysOf<T>]: K | `${K}.${PathsBehind<T[K], D>}` }[KeysOf<T>]

type PathsBehind<T, D extends number> =
  IsUntyped<T> extends true ? string : D extends 0 ? never : PathsOf<Items<T>, Shallower[D]>

/** What is at a path. */
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

/** What the values of a field of type `T` are compared with. */
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

/** What its values come before and after. */
type Bound<T> = unknown extends T ? FilterBound : BoundOfItem<Items<T>>
type BoundOfItem<T> = T extends DateLike | string
  ? string | Date
  : T extends number | bigint
    ? number | bigint
    : never

/** The operators for values of a type: those that compare an order only where there is one. */
type OperatorsOf<Value, Bound> = Pick<
  Operators<Value | null, Bound>,
  Exclude<keyof Operators, [Bound] extends [never] ? '$gt' | '$gte' | '$lt' | '$lte' : never>
>

/** What a filter says of a field of type `T`. */
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
