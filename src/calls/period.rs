//! For how long what is deleted can be brought back, as both APIs read it.

use std::{borrow::Cow, ops::RangeInclusive};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, de::Error};

/// A period in milliseconds. As JSON, it is also taken as a whole number with a unit, such as
/// `"24h"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(pub i64);

const SECOND: i64 = 1000;
const DAY: i64 = 24 * 3600 * SECOND;
/// A query has no numbers, so that a text may be without a unit too.
const UNITS: [(&str, i64); 6] = [
    ("", 1),
    ("ms", 1),
    ("s", SECOND),
    ("m", 60 * SECOND),
    ("h", 3600 * SECOND),
    ("d", DAY),
];
/// From a second to ten years.
const PERIODS: RangeInclusive<i64> = SECOND..=3653 * DAY;

#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Milliseconds(f64),
    Text(String),
}

impl Written {
    fn milliseconds(&self) -> Option<i64> {
        match self {
            Written::Milliseconds(value) => (value.fract() == 0.0).then_some(*value as i64),
            Written::Text(text) => {
                let digits = text.bytes().take_while(u8::is_ascii_digit).count();
                let (number, unit) = text.split_at_checked(digits)?;
                let (_, unit) = UNITS.iter().find(|(name, _)| *name == unit)?;
                number.parse::<i64>().ok()?.checked_mul(*unit)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Period {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = Written::deserialize(deserializer).ok();
        let period = written.and_then(|written| written.milliseconds());
        let period = period.filter(|period| PERIODS.contains(period));
        period.map(Self).ok_or_else(|| {
            D::Error::custom(
                "it must be a whole number of milliseconds, or one with a unit as in \"24h\" (ms, s, \
                 m, h or d), from a second to ten years",
            )
        })
    }
}

impl JsonSchema for Period {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [
            { "type": "integer", "minimum": PERIODS.start(), "maximum": PERIODS.end() },
            { "type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)?$" },
        ] })
    }
}
