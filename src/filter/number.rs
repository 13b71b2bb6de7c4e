//! Numbers ordered by value.

use ordered_float::OrderedFloat;

/// A number: an integer of up to 64 bits, signed or unsigned, or a 64-bit float. All of them are
/// compared by value, so `1` equals `1.0`, and 2^53 + 1 lies between two floats.
///
/// It is stored as the greatest float not above it, plus the difference. Ordering by the float
/// first and then by the difference is the order of the numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    float: OrderedFloat<f64>,
    /// Floats below 2^64 are at most 2,048 apart.
    rest: u16,
}

impl Number {
    /// Parses a JSON number. An integer of more than 64 bits becomes the nearest float. `None` if
    /// it is outside the range of floats.
    pub(crate) fn read(json: &str) -> Option<Self> {
        if let Ok(value) = json.parse::<i64>() {
            return Some(value.into());
        }
        if let Ok(value) = json.parse::<u64>() {
            return Some(value.into());
        }
        let value: f64 = serde_json::from_str(json).ok()?;
        Some(value.into())
    }

    /// The same for a number that has already been parsed.
    pub(super) fn of(number: &serde_json::Number) -> Option<Self> {
        if let Some(value) = number.as_i64() {
            return Some(value.into());
        }
        if let Some(value) = number.as_u64() {
            return Some(value.into());
        }
        let value = number.as_f64().filter(|value| value.is_finite())?;
        Some(value.into())
    }

    /// The greatest float not above it, and the difference.
    pub(super) fn parts(self) -> (f64, u16) {
        (self.float.0, self.rest)
    }

    fn whole(value: i128) -> Self {
        let nearest = value as f64;
        let float = if nearest as i128 > value {
            nearest.next_down()
        } else {
            nearest
        };
        Self {
            float: OrderedFloat(float),
            rest: (value - float as i128) as u16,
        }
    }
}

impl From<f64> for Number {
    fn from(value: f64) -> Self {
        Self {
            // The two zeros are equal; this sum is the positive one.
            float: OrderedFloat(value + 0.0),
            rest: 0,
        }
    }
}

impl From<i64> for Number {
    fn from(value: i64) -> Self {
        Self::whole(value.into())
    }
}

impl From<u64> for Number {
    fn from(value: u64) -> Self {
        Self::whole(value.into())
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use proptest::prelude::*;

    use super::*;

    /// A number as written in a test.
    #[derive(Debug, Clone, Copy)]
    enum Value {
        Whole(i128),
        Float(f64),
    }

    impl Value {
        fn number(self) -> Number {
            match self {
                Value::Whole(value) => Number::read(&value.to_string()).unwrap(),
                Value::Float(value) => Number::from(value),
            }
        }

        /// The greatest integer not above it, and whether the two are equal. Floats of this size
        /// are either integers that fit 128 bits, or far outside the range of 64 bits.
        fn floor(self) -> (i128, bool) {
            match self {
                Value::Whole(value) => (value, true),
                Value::Float(value) => (value.floor() as i128, value.fract() == 0.0),
            }
        }

        fn compare(self, other: Self) -> Ordering {
            if let (Value::Float(a), Value::Float(b)) = (self, other) {
                return a.partial_cmp(&b).unwrap();
            }
            // One of them is an integer: if the floors are equal, it is the smaller one or they are
            // equal.
            let ((a, a_is_whole), (b, b_is_whole)) = (self.floor(), other.floor());
            a.cmp(&b).then(b_is_whole.cmp(&a_is_whole))
        }
    }

    fn value() -> impl Strategy<Value = Value> {
        let edges = [0.0, -0.0, 0.5, 5e-324, f64::MAX, f64::MIN, 1e19, -1e19];
        let powers = (0..65_u32).prop_map(|power| 2_f64.powi(power as i32));
        let near = prop_oneof![powers, any::<u64>().prop_map(|value| value as f64)];
        let near =
            (near, any::<bool>()).prop_map(|(float, minus)| if minus { -float } else { float });
        let steps = (near.clone(), -3_i128..=3).prop_map(|(float, by)| float as i128 + by);
        let all = i128::from(i64::MIN)..=i128::from(u64::MAX);
        let clamped = {
            let all = all.clone();
            move |value: i128| Value::Whole(value.clamp(*all.start(), *all.end()))
        };
        prop_oneof![
            4 => steps.prop_map(clamped),
            1 => all.prop_map(Value::Whole),
            2 => near.clone().prop_map(Value::Float),
            2 => near.prop_map(|float| Value::Float(float.next_up())),
            2 => (near_halves()).prop_map(Value::Float),
            1 => proptest::sample::select(edges.to_vec()).prop_map(Value::Float),
        ]
    }

    /// Around small integers, where floats are not whole.
    fn near_halves() -> impl Strategy<Value = f64> {
        (-8_i32..8).prop_map(|halves| f64::from(halves) / 2.0)
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 20_000,
            failure_persistence: None,
            rng_seed: proptest::test_runner::RngSeed::Fixed(2024),
            ..ProptestConfig::default()
        })]

        #[test]
        fn numbers_compare_by_value(a in value(), b in value()) {
            prop_assert_eq!(a.number().cmp(&b.number()), a.compare(b), "{:?} {:?}", a, b);
        }
    }

    #[test]
    fn what_is_written_otherwise_is_the_same_number() {
        let same = [
            ["0", "-0.0"],
            ["0", "-0"],
            ["1", "1.0"],
            ["1000", "1e3"],
            ["9007199254740992", "9007199254740992.0"],
            ["18446744073709549568", "1.8446744073709549568e19"],
            ["-9223372036854775808", "-9.223372036854775808e18"],
            // Integers of more than 64 bits become the nearest float.
            ["18446744073709551617", "18446744073709551616.0"],
            ["100000000000000000000", "1e20"],
        ];
        for [one, other] in same {
            assert_eq!(Number::read(one), Number::read(other), "{one} {other}");
        }
        assert_eq!(Number::read("1e999"), None);
        let integers = [
            "9007199254740992",
            "9007199254740993",
            "18446744073709551615",
        ];
        for text in integers {
            let number: serde_json::Number = serde_json::from_str(text).unwrap();
            assert_eq!(Number::of(&number), Number::read(text));
        }
    }
}
