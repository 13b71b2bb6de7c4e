//! When vectors expire, as both APIs read and report it.

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{self, Unexpected, Visitor},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::arguments::read;
use crate::{
    clock::LATEST,
    collection::ExpiryChange,
    error::{Error, Result},
};

/// An instant at which a vector expires, in milliseconds since 1970. As JSON, it is also taken as
/// a time with an offset as in RFC 3339, of which fractions of a millisecond are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiresAt(pub i64);

impl ExpiresAt {
    /// The instant that JavaScript has as a number. `name` is what the caller calls it.
    pub fn of(value: f64, name: &str) -> Result<Self> {
        whole(value).map(Self).ok_or_else(|| {
            Error::Validation(format!(
                "{name} is {value}; it must be a whole number of milliseconds since 1970, from 0 \
                 to {LATEST}"
            ))
        })
    }
}

fn within(milliseconds: i64) -> Option<i64> {
    (0..=LATEST).contains(&milliseconds).then_some(milliseconds)
}

fn whole(value: f64) -> Option<i64> {
    let is_whole = value.fract() == 0.0 && (0.0..=LATEST as f64).contains(&value);
    is_whole.then_some(value as i64)
}

/// The instant of a time as in RFC 3339, just as `face/arguments.ts` reads it.
fn parsed(text: &str) -> Option<i64> {
    // The parser takes anything for the `T`, seconds that JavaScript does not know, and offsets that
    // the RFC does not.
    let is_usual = matches!(text.as_bytes().get(10), Some(b'T' | b't'));
    let is_leap_second = text.get(17..19) == Some("60");
    let time = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    if !is_usual || is_leap_second || time.offset().whole_hours().abs() > 23 {
        return None;
    }
    let milliseconds = time.unix_timestamp_nanos().div_euclid(1_000_000);
    within(i64::try_from(milliseconds).ok()?)
}

impl<'de> Deserialize<'de> for ExpiresAt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ExpiresAtVisitor)
    }
}

struct ExpiresAtVisitor;

impl Visitor<'_> for ExpiresAtVisitor {
    type Value = ExpiresAt;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "a whole number of milliseconds since 1970, from 0 to {LATEST}, or a time with an \
             offset as in RFC 3339"
        )
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<ExpiresAt, E> {
        let at = within(value).map(ExpiresAt);
        at.ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<ExpiresAt, E> {
        let at = i64::try_from(value).ok().and_then(within).map(ExpiresAt);
        at.ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<ExpiresAt, E> {
        let at = whole(value).map(ExpiresAt);
        at.ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> std::result::Result<ExpiresAt, E> {
        let at = parsed(value).map(ExpiresAt);
        at.ok_or_else(|| E::invalid_value(Unexpected::Str(value), &self))
    }
}

impl JsonSchema for ExpiresAt {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ExpiresAt".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": 0, "maximum": LATEST },
            { "type": "string", "format": "date-time" },
        ] })
    }
}

/// The instant at which each vector of a batch expires, if it does.
pub fn list(text: Option<&str>) -> Result<Vec<Option<i64>>> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let list: Vec<Option<ExpiresAt>> = read(text, "expires_at")?;
    Ok(list.into_iter().map(|at| at.map(|at| at.0)).collect())
}

/// An expiry of its own as one of many rows has it: `false` if it says nothing, and null for none.
struct Change(ExpiryChange);

impl<'de> Deserialize<'de> for Change {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(ChangeVisitor)
    }
}

struct ChangeVisitor;

impl Visitor<'_> for ChangeVisitor {
    type Value = Change;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        ExpiresAtVisitor.expecting(f)?;
        f.write_str(", or null, or false")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> std::result::Result<Change, E> {
        match value {
            false => Ok(Change(ExpiryChange::Keep)),
            true => Err(E::invalid_value(Unexpected::Bool(value), &self)),
        }
    }

    fn visit_unit<E: de::Error>(self) -> std::result::Result<Change, E> {
        Ok(Change(ExpiryChange::Never))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Change, E> {
        ExpiresAtVisitor.visit_i64(value).map(Change::at)
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Change, E> {
        ExpiresAtVisitor.visit_u64(value).map(Change::at)
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Change, E> {
        ExpiresAtVisitor.visit_f64(value).map(Change::at)
    }

    fn visit_str<E: de::Error>(self, value: &str) -> std::result::Result<Change, E> {
        ExpiresAtVisitor.visit_str(value).map(Change::at)
    }
}

impl Change {
    fn at(ExpiresAt(at): ExpiresAt) -> Self {
        Self(ExpiryChange::At(at))
    }
}

/// The expiry of its own that each of many rows is given: a list of instants, of nulls for none,
/// and of `false` where nothing is said.
pub fn changes(text: Option<&str>) -> Result<Vec<ExpiryChange>> {
    let Some(text) = text else {
        return Ok(Vec::new());
    };
    let list: Vec<Change> = read(text, "expires_at")?;
    Ok(list.into_iter().map(|Change(change)| change).collect())
}

/// A field of an update: an omitted one keeps what there is, and null is never.
pub fn change<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<ExpiryChange, D::Error> {
    let at = Option::<ExpiresAt>::deserialize(deserializer)?;
    Ok(at.map_or(ExpiryChange::Never, |at| ExpiryChange::At(at.0)))
}

/// A field that must be present, but may be null.
pub fn required<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<T>, D::Error> {
    Option::deserialize(deserializer)
}

/// The TTL of a collection, in seconds, in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ttl(pub u32);

impl<'de> Deserialize<'de> for Ttl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_any(TtlVisitor)
    }
}

struct TtlVisitor;

impl Visitor<'_> for TtlVisitor {
    type Value = Ttl;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "a whole number of seconds from 1 to {}, or null",
            u32::MAX
        )
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> std::result::Result<Ttl, E> {
        Err(E::invalid_value(Unexpected::Signed(value), &self))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> std::result::Result<Ttl, E> {
        let seconds = u32::try_from(value).ok().filter(|&seconds| seconds > 0);
        seconds
            .map(Ttl)
            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> std::result::Result<Ttl, E> {
        whole_seconds(value)
            .map(Ttl)
            .ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
    }
}

fn whole_seconds(value: f64) -> Option<u32> {
    let is_whole = value.fract() == 0.0 && (1.0..=f64::from(u32::MAX)).contains(&value);
    is_whole.then_some(value as u32)
}

/// The TTL of a collection, in seconds. `name` is what the caller calls it.
pub fn ttl(seconds: f64, name: &str) -> Result<u32> {
    whole_seconds(seconds).ok_or_else(|| {
        Error::Validation(format!(
            "{name} is {seconds}; it must be a whole number of seconds from 1 to {}, or null",
            u32::MAX
        ))
    })
}

/// The expiry of a vector has been changed.
#[derive(Serialize, JsonSchema)]
pub struct VectorExpiry {
    id: String,
    collection: String,
    /// The vector's own expiry, in milliseconds since 1970; null if it has none, so that the
    /// collection's TTL applies, if there is one.
    expires_at: Option<i64>,
    /// Always `updated`.
    status: &'static str,
}

impl VectorExpiry {
    pub fn new(collection: &str, id: &str, expires_at: Option<i64>) -> Self {
        Self {
            id: id.to_owned(),
            collection: collection.to_owned(),
            expires_at,
            status: "updated",
        }
    }
}

/// The TTL of a collection has been changed.
#[derive(Serialize, JsonSchema)]
pub struct CollectionTtl {
    collection: String,
    /// In seconds; null if the collection has none.
    ttl_secs: Option<u32>,
    /// Always `updated`.
    status: &'static str,
}

impl CollectionTtl {
    pub fn new(collection: &str, ttl_secs: Option<u32>) -> Self {
        Self {
            collection: collection.to_owned(),
            ttl_secs,
            status: "updated",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01, in milliseconds.
    const NEW_YEAR: i64 = 1_704_067_200_000;

    fn taken(json: &str) -> Option<i64> {
        serde_json::from_str(json).ok().map(|ExpiresAt(at)| at)
    }

    #[test]
    fn an_expiry_is_a_number_or_a_time_with_an_offset() {
        let cases = [
            ("0", 0),
            ("-0", 0),
            ("1704067200000", NEW_YEAR),
            ("1704067200000.0", NEW_YEAR),
            ("1.7040672e12", NEW_YEAR),
            ("8640000000000000", LATEST),
            (r#""2024-01-01T00:00:00Z""#, NEW_YEAR),
            (r#""2024-01-01t00:00:00z""#, NEW_YEAR),
            (r#""2024-01-01T05:30:00+05:30""#, NEW_YEAR),
            (r#""2023-12-31T23:00:00.000-01:00""#, NEW_YEAR),
            (r#""1970-01-01T00:00:00Z""#, 0),
            (r#""1970-01-01T23:59:00+23:59""#, 0),
            (r#""2024-01-01T00:00:00.5Z""#, NEW_YEAR + 500),
            // Never later than what is written.
            (r#""2024-01-01T00:00:00.0019999999999Z""#, NEW_YEAR + 1),
            (r#""9999-12-31T23:59:59.999Z""#, 253_402_300_799_999),
        ];
        for (json, expected) in cases {
            assert_eq!(taken(json), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_instant_of_a_javascript_date_since_1970_is_refused() {
        for json in [
            "-1",
            "1.5",
            "8640000000000001",
            "9007199254740993",
            "18446744073709551615",
            "1e300",
            "true",
            "{}",
            "[0]",
            r#""""#,
            r#""0""#,
            r#""1704067200000""#,
            r#""2024-01-01""#,
            r#""2024-01-01T00:00:00""#,
            r#""2024-02-30T00:00:00Z""#,
            r#""2024-01-01T24:00:00Z""#,
            r#""2024-01-01 00:00:00Z""#,
            r#""2024-01-01x00:00:00Z""#,
            r#""2016-12-31T23:59:60Z""#,
            r#""2024-01-01T00:00:00+24:00""#,
            r#""2024-01-01T00:00:00+01""#,
            r#""2024-01-01T00:00Z""#,
            r#"" 2024-01-01T00:00:00Z""#,
            r#""2024-01-01T00:00:00Z ""#,
            r#""1969-12-31T23:59:59Z""#,
            r#""1969-12-31T23:59:59.9999Z""#,
            r#""tomorrow""#,
        ] {
            assert_eq!(taken(json), None, "{json}");
        }
        for value in [
            -1.0,
            0.5,
            LATEST as f64 + 2.0,
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
        ] {
            let error = ExpiresAt::of(value, "expiresAt").unwrap_err().to_string();
            assert!(error.starts_with("expiresAt is "), "{error}");
        }
        assert_eq!(ExpiresAt::of(1.0, "expiresAt"), Ok(ExpiresAt(1)));
    }

    #[test]
    fn a_wrong_expiry_is_refused_by_its_place() {
        assert_eq!(list(None), Ok(Vec::new()));
        assert_eq!(list(Some("[1,null]")), Ok(vec![Some(1), None]));
        let error = list(Some("[1,null,-1]")).unwrap_err().to_string();
        assert_eq!(
            error,
            "expires_at[2]: invalid value: integer `-1`, expected a whole number of milliseconds \
             since 1970, from 0 to 8640000000000000, or a time with an offset as in RFC 3339"
        );
    }

    #[test]
    fn a_row_of_many_may_say_nothing_of_its_expiry_or_that_it_has_none() {
        assert_eq!(changes(None), Ok(Vec::new()));
        let expected = vec![
            ExpiryChange::Keep,
            ExpiryChange::Never,
            ExpiryChange::At(0),
            ExpiryChange::At(NEW_YEAR),
        ];
        let text = r#"[false,null,0,"2024-01-01T00:00:00Z"]"#;
        assert_eq!(changes(Some(text)), Ok(expected));
        for wrong in ["[null,true]", "[null,-1]", "[null,1.5]", "[null,[]]"] {
            let error = changes(Some(wrong)).unwrap_err().to_string();
            assert!(error.starts_with("expires_at[1]: invalid "), "{error}");
        }
    }

    #[test]
    fn a_ttl_is_a_whole_number_of_seconds() {
        assert_eq!(ttl(1.0, "seconds"), Ok(1));
        assert_eq!(ttl(f64::from(u32::MAX), "seconds"), Ok(u32::MAX));
        for wrong in [0.0, -1.0, 1.5, f64::from(u32::MAX) + 1.0, f64::NAN] {
            assert!(matches!(ttl(wrong, "seconds"), Err(Error::Validation(_))));
        }
        for (json, seconds) in [("1", 1), ("3600.0", 3600), ("4294967295", u32::MAX)] {
            assert_eq!(serde_json::from_str::<Ttl>(json).unwrap(), Ttl(seconds));
        }
        for json in [
            "0",
            "-1",
            "1.5",
            "0.0",
            "4294967296",
            "1e300",
            r#""3600""#,
            "true",
            "[1]",
        ] {
            let error = serde_json::from_str::<Ttl>(json).unwrap_err().to_string();
            let expected = "expected a whole number of seconds from 1 to 4294967295, or null";
            assert!(error.contains(expected), "{error}");
        }
    }
}
